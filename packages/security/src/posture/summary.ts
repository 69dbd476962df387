import type { JsonObject, JsonValue } from '@twinward/protocol'
import { MAX_GROUP_CHARACTERS } from '../configuration/shared-settings.ts'
import type { Alert, Severity } from '../detection/alert.ts'
import type { ModuleDescription } from '../modules/state.ts'
import type { Recommendation } from '../recommendations/recommendation.ts'
import { countDay } from './agent-health.ts'
import type { AgentState } from './agent-state.ts'
import type { Inventory } from './inventory.ts'
import { type BaselineResult, isOpenAlert, postureScore } from './score.ts'
import { twinBytes } from './twin-bytes.ts'

/**
 * The tags of a security module twin that the service owns. They lie at the top, where the first
 * era had its findings, so that `SELECT * FROM devices.modules WHERE
 * is_defined(tags.recommendations.IoT_OpenPorts)` finds what it found then. All other tags, like
 * `securityGroup`, belong to operators.
 */
export const SERVICE_TAGS = [
  'posture',
  'alerts',
  'recommendations',
  'agent',
  'inventory',
  'config',
] as const

/** The wanted value of every service-owned tag. */
export type PostureSummary = { readonly [tag in (typeof SERVICE_TAGS)[number]]: JsonObject }

/** The same of a module that need not have them all; what is absent is not to be there. */
export type ServiceTags = Partial<PostureSummary>

export interface SummaryInput {
  /** Those that are not open are passed over. */
  readonly alerts: readonly Alert[]
  /** Those that are not active are passed over. */
  readonly recommendations: readonly Recommendation[]
  readonly agent: AgentState | undefined
  readonly module: ModuleDescription
  /** The security group of the device, in lower case. */
  readonly group: string
  readonly baseline?: BaselineResult
}

/** As IoT Hub counts tags; its limit of 8 KiB leaves 2 KiB to operators. */
export const MAX_SUMMARY_BYTES = 6 * 1024

/** Every message would otherwise be a write of its own. */
const LAST_MESSAGE_RESOLUTION_MS = 60_000
/** Texts of agents are cut here. */
const MAX_TEXT_CHARACTERS = 64
const MAX_DRIFT_NAMES = 20
/** Addresses of one kind in `inventory`. */
const MAX_TAG_ADDRESSES = 4
const MAX_TYPE_CHARACTERS = 128

const RANKS: { readonly [severity in Severity]: number } = {
  High: 3,
  Medium: 2,
  Low: 1,
  Informational: 0,
}

/**
 * What the security module twin says about its device's security:
 *
 *     posture          {score, group, era, openAlerts: {high, medium, low}, baseline?,
 *                       leftOut?: {alerts, recommendations}}
 *     alerts           {<type>: {severity, openCount, lastDetectionUtc}}
 *     recommendations  {<type>: {severity, state, discoveredAtUtc, count}}
 *     agent            {kind, version, lastMessageUtc, schema, droppedEvents24h, rejected24h,
 *                       state}
 *     inventory        {osName, osVersion, arch, vendor, model, firmware, macs: [], ips: []}
 *     config           {desiredVersion, appliedVersion, state, drift: [name]}
 *
 * `lastMessageUtc` is exact to a minute, `null`s do not occur in tags, so what is unknown is left
 * out; `openAlerts` is always whole, for configurations of the hub ask it. At most
 * `MAX_SUMMARY_BYTES`: the least severe, then the oldest findings are left out and
 * counted in `posture.leftOut`. Pure.
 */
export function summarisePosture(input: SummaryInput, nowMs: number): PostureSummary {
  const score = postureScore(
    {
      alerts: input.alerts,
      recommendations: input.recommendations,
      state: input.module.state,
      ...(input.baseline && { baseline: input.baseline }),
    },
    nowMs,
  )
  const posture = {
    score,
    ...groupTag(input.group),
    era: input.module.configuration.era,
    openAlerts: openAlertsTag(input.alerts),
    ...(input.baseline && { baseline: baselineTag(input.baseline) }),
  }
  const fixed = {
    posture,
    agent: agentTag(input, nowMs),
    inventory: inventoryTag(input.agent?.inventory),
    config: configTag(input.module),
  }
  // Room for the names of the sections, and for `leftOut`, is taken beforehand.
  const skeleton: PostureSummary = {
    ...fixed,
    posture: { ...posture, leftOut: { alerts: 0, recommendations: 0 } },
    alerts: {},
    recommendations: {},
  }
  const findings = [
    ...alertFindings(input.alerts),
    ...recommendationFindings(input.recommendations),
  ]
  const kept = keepWorst(findings, MAX_SUMMARY_BYTES - twinBytes(skeleton))
  const leftOut = {
    alerts: count(findings, 'alerts') - count(kept, 'alerts'),
    recommendations: count(findings, 'recommendations') - count(kept, 'recommendations'),
  }
  const isCut = leftOut.alerts + leftOut.recommendations > 0
  return {
    ...fixed,
    posture: isCut ? { ...posture, leftOut } : posture,
    alerts: sectionOf(kept, 'alerts'),
    recommendations: sectionOf(kept, 'recommendations'),
  }
}

/** One entry of `alerts` or `recommendations`. */
interface Finding {
  readonly tag: 'alerts' | 'recommendations'
  readonly key: string
  readonly rank: number
  readonly timeMs: number
  readonly value: JsonObject
}

function alertFindings(alerts: readonly Alert[]): readonly Finding[] {
  return [...groupByKey(alerts.filter(isOpenAlert), ({ alertType }) => alertType)].map(
    ([key, ofType]) => {
      const timeMs = ofType.reduce((latest, { endTimeMs }) => Math.max(latest, endTimeMs), 0)
      const severity = worst(ofType)
      const value = { severity, openCount: ofType.length, lastDetectionUtc: utc(timeMs) }
      return { tag: 'alerts', key, rank: RANKS[severity], timeMs, value }
    },
  )
}

function recommendationFindings(all: readonly Recommendation[]): readonly Finding[] {
  const active = all.filter(({ state }) => state === 'Active')
  return [...groupByKey(active, ({ recommendationType }) => recommendationType)].map(
    ([key, ofType]) => {
      const severity = worst(ofType)
      const timeMs = Math.min(...ofType.map(({ discoveredTimeMs }) => discoveredTimeMs))
      const value = {
        severity,
        state: 'Active',
        discoveredAtUtc: utc(timeMs),
        count: ofType.reduce((sum, one) => sum + itemsOf(one), 0),
      }
      return { tag: 'recommendations', key, rank: RANKS[severity], timeMs, value }
    },
  )
}

/** How many things a recommendation is about: its longest list, else itself. */
function itemsOf({ additionalData }: Recommendation): number {
  const lengths = Object.values(additionalData).map((text) => {
    try {
      const value: unknown = JSON.parse(text)
      return Array.isArray(value) ? value.length : 1
    } catch {
      return 1
    }
  })
  return Math.max(1, ...lengths)
}

function keepWorst(findings: readonly Finding[], limitBytes: number): readonly Finding[] {
  const sorted = [...findings].sort(
    (a, b) => b.rank - a.rank || b.timeMs - a.timeMs || (a.key < b.key ? -1 : 1),
  )
  let left = limitBytes
  const fitting = sorted.findIndex(({ key, value }) => {
    left -= twinBytes({ [key]: value })
    return left < 0
  })
  return fitting < 0 ? sorted : sorted.slice(0, fitting)
}

function sectionOf(kept: readonly Finding[], tag: Finding['tag']): JsonObject {
  const entries = kept.filter((finding) => finding.tag === tag)
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]))
}

function count(findings: readonly Finding[], tag: Finding['tag']): number {
  return findings.filter((finding) => finding.tag === tag).length
}

/** By type, spelled so that a twin takes it as a name: `IoT_CISBenchmarks_3.3.5` → `…_3_3_5`. */
function groupByKey<T>(all: readonly T[], typeOf: (one: T) => string): Map<string, readonly T[]> {
  const groups = new Map<string, readonly T[]>()
  for (const one of all) {
    const key = typeOf(one)
      .slice(0, MAX_TYPE_CHARACTERS)
      .replace(/[^A-Za-z0-9_:-]/g, '_')
    groups.set(key, [...(groups.get(key) ?? []), one])
  }
  return groups
}

function worst(all: readonly { readonly severity: Severity }[]): Severity {
  return all.reduce<Severity>(
    (most, { severity }) => (RANKS[severity] > RANKS[most] ? severity : most),
    'Informational',
  )
}

/** A longer name is of no group that could be configured. */
export function groupTag(group: string): { readonly group?: string } {
  return group.length > MAX_GROUP_CHARACTERS ? {} : { group }
}

/** Types that are left out for want of room count here all the same. */
function openAlertsTag(alerts: readonly Alert[]): JsonObject {
  const open = alerts.filter(isOpenAlert)
  const countOf = (of: Severity) => open.filter(({ severity }) => severity === of).length
  return { high: countOf('High'), medium: countOf('Medium'), low: countOf('Low') }
}

function agentTag({ agent, module }: SummaryInput, nowMs: number): JsonObject {
  const kind = module.configuration.agentKind
  if (agent === undefined) return { kind, state: module.state }
  const { dropped, rejected } = countDay(agent, nowMs)
  const lastMessageMs =
    Math.floor(agent.lastMessageMs / LAST_MESSAGE_RESOLUTION_MS) * LAST_MESSAGE_RESOLUTION_MS
  return {
    kind,
    version: plain(agent.agentVersion),
    ...(agent.lastMessageMs > 0 && { lastMessageUtc: utc(lastMessageMs) }),
    schema: plain(agent.schema),
    droppedEvents24h: dropped,
    rejected24h: rejected,
    state: module.state,
  }
}

/** A twin has less room than the store: the first addresses. */
function inventoryTag({ macs = [], ips = [], ...texts }: Inventory = {}): JsonObject {
  return {
    ...texts,
    ...(macs.length > 0 && { macs: macs.slice(0, MAX_TAG_ADDRESSES) }),
    ...(ips.length > 0 && { ips: ips.slice(0, MAX_TAG_ADDRESSES) }),
  }
}

function configTag({ configuration, configurationStatus }: ModuleDescription): JsonObject {
  const { desiredVersion, appliedVersion, drift } = configuration
  const names = drift.map(({ name }) => plain(name))
  const more = names.length - MAX_DRIFT_NAMES
  return {
    desiredVersion,
    appliedVersion,
    state: configurationStatus.state,
    drift: names.slice(0, MAX_DRIFT_NAMES),
    ...(more > 0 && { driftLeftOut: more }),
  }
}

function baselineTag({ skip, disabled, evaluatedMs, ...bySeverity }: BaselineResult): JsonObject {
  const total: Record<string, JsonValue> = { pass: 0, fail: 0, error: 0 }
  for (const counts of Object.values(bySeverity)) {
    for (const [outcome, number] of Object.entries(counts)) {
      total[outcome] = Number(total[outcome]) + number
    }
  }
  return { ...total, skip, ...(disabled > 0 && { disabled }), evaluatedAt: utc(evaluatedMs) }
}

/** What an agent says of itself, as a twin can hold it. */
function plain(text: string): string {
  return text.slice(0, MAX_TEXT_CHARACTERS).replace(/\p{Cc}|\p{Surrogate}/gu, '')
}

/** `2019-03-05T09:12:44Z`, as the first era wrote its times. */
function utc(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`
}
