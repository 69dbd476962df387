import { parseDuration } from '@twinward/protocol'
import type { ConfigurationView } from '../configuration/view.ts'
import type { ModuleState } from '../modules/state.ts'
import type { PlatformModule } from '../platform.ts'
import type { AgentState } from '../posture/agent-state.ts'
import { conflictType, notOptimalType } from './configuration-errors.ts'
import { EDGE_TYPES, judgeManifest, moduleHashes } from './edge.ts'
import { readManifest } from './edge-manifest.ts'
import { ACTIVITY_LIMIT_MS, type DeviceNotes, nextDueMs, staleSources } from './notes.ts'
import type { RecommendationType } from './recommendation.ts'
import type { Verdict } from './rule.ts'

/** How long a new device, or one whose module is gone, may be without an agent. */
export const DEFAULT_AGENT_GRACE_MS = 3_600_000
const MINUTE_MS = 60_000

/** A look at a device: its twin, its state and its agent, at one moment. */
export interface SeenDevice {
  readonly deviceId: string
  readonly state: ModuleState
  /** Since when it is in that state. */
  readonly sinceMs: number
  /** Absent without a security module, as is its configuration. */
  readonly module?: PlatformModule
  readonly configuration?: ConfigurationView
  readonly agent?: AgentState
  /** All of its modules; absent when they are not known. */
  readonly modules?: readonly PlatformModule[]
}

export const installAgentType: RecommendationType = {
  recommendationType: 'IoT_InstallAgent',
  displayName: 'Install the security agent',
  severity: 'Low',
  description:
    'No security agent of the device has ever been heard, so nothing that happens on it is seen.',
  remediationSteps: [
    'Install a security agent and let it connect as the security module of the device.',
    'Of a device that cannot run one, exempt this recommendation; retire a device that is out of ' +
      'service.',
  ],
}

export const auditdType: RecommendationType = {
  // Nobody published a type for this; the name is ours.
  recommendationType: 'IoT_AuditdNotActive',
  displayName: 'auditd gives the agent nothing',
  severity: 'Medium',
  description:
    'The security agent collects processes and connections, but has told of none for 24 hours. On ' +
    'Linux it takes them from auditd, which seems not to run, or not with the rules of the agent.',
  remediationSteps: [
    'Look whether auditd is installed and runs: `systemctl status auditd`.',
    'Look whether it has rules for execve and connect: `auditctl -l`; restart the agent, which ' +
      'adds them, unless the rules are locked (`-e 2`).',
    'If auditd was stopped and nobody knows why, treat the device as broken into.',
  ],
}

/** Of what a look at a device judges, every type. */
export const STATE_TYPES = [installAgentType, auditdType]

/** What follows from a look at a device. */
export interface DevicePlan {
  /** The same object when there is nothing new. */
  readonly notes: DeviceNotes
  readonly verdicts: readonly Verdict[]
  /** Kinds of snapshots whose recommendations become stale. */
  readonly stale: readonly string[]
  /** Whether an exemption has ended. */
  readonly endsExemption: boolean
}

/** What a look is judged with. */
interface Given {
  readonly nowMs: number
  readonly agentGraceMs: number
  /** As `TypeSwitches`: what is off is judged anew when it is on again. */
  readonly isOff: (recommendationType: string) => boolean
}

/** What the state of a device, its twin and time say about its recommendations. Pure. */
export function planDevice(before: DeviceNotes, seen: SeenDevice, given: Given): DevicePlan {
  const { nowMs, agentGraceMs } = given
  const verdicts: Verdict[] = []
  let notes = { ...before, intervals: intervalsOf(before, seen.configuration) }
  notes = judgeAgent(notes, seen, { ...given, verdicts })
  notes = judgeAuditd(notes, seen, { ...given, verdicts })
  notes = judgeConfiguration(notes, seen, verdicts)
  notes = judgeEdge(notes, seen, { ...given, verdicts })
  const stale = staleSources(notes, nowMs)
  const { exemptUntilMs } = notes
  const endsExemption = exemptUntilMs > 0 && nowMs >= exemptUntilMs
  const kept = Object.entries(notes.snapshots).filter(([source]) => !stale.includes(source))
  notes = { ...notes, snapshots: Object.fromEntries(kept) }
  notes = { ...notes, dueMs: dueOf(notes, before, { nowMs, agentGraceMs }) }
  const isSame = JSON.stringify(notes) === JSON.stringify(before)
  return { notes: isSame ? before : notes, verdicts, stale, endsExemption }
}

/** An early time is left until it has come, so that what is heard all the time moves nothing. */
function dueOf(
  notes: DeviceNotes,
  before: DeviceNotes,
  { nowMs, agentGraceMs }: { readonly nowMs: number; readonly agentGraceMs: number },
): number {
  const dueMs = nextDueMs(notes, nowMs, agentGraceMs)
  const isEarly = before.dueMs > nowMs && (dueMs === 0 || before.dueMs <= dueMs)
  return isEarly ? before.dueMs : dueMs
}

interface Judging extends Given {
  readonly verdicts: Verdict[]
}

function judgeAgent(
  notes: DeviceNotes,
  { state, sinceMs }: SeenDevice,
  { nowMs, agentGraceMs, isOff, verdicts }: Judging,
): DeviceNotes {
  const isWithout = state === 'absent' || state === 'provisioned'
  if (!isWithout) {
    if (notes.isAgentAsked) verdicts.push({ type: installAgentType, assessment: { isGood: true } })
    return { ...notes, withoutAgentMs: 0, isAgentAsked: false }
  }
  const withoutAgentMs = notes.withoutAgentMs || sinceMs
  const isDue = notes.isAgentAsked || nowMs >= withoutAgentMs + agentGraceMs
  const isAgentAsked = isDue && !isOff(installAgentType.recommendationType)
  if (isAgentAsked && !notes.isAgentAsked) {
    const additionalData = { SecurityModule: state }
    verdicts.push({ type: installAgentType, assessment: { isGood: false, additionalData } })
  }
  return { ...notes, withoutAgentMs, isAgentAsked }
}

/** An agent that is itself not heard says nothing about auditd. */
function judgeAuditd(
  notes: DeviceNotes,
  { state, agent, configuration }: SeenDevice,
  { nowMs, isOff, verdicts }: Judging,
): DeviceNotes {
  const heardMs = Math.max(notes.legacySinceMs, notes.activityMs)
  if (notes.legacySinceMs === 0 || agent === undefined || configuration === undefined) return notes
  if (nowMs - agent.lastMessageMs >= ACTIVITY_LIMIT_MS || state === 'suspended') return notes
  const isOn = !isOff(auditdType.recommendationType)
  const isExpected = isOn && collectsActivity(configuration) && runsLinux(agent)
  const isMissing = isExpected && nowMs - heardMs >= ACTIVITY_LIMIT_MS
  if (isMissing === notes.isAuditdMissing) return notes
  const lastUtc = notes.activityMs === 0 ? 'never' : new Date(notes.activityMs).toISOString()
  const assessment = isMissing
    ? { isGood: false as const, additionalData: { LastActivity: lastUtc } }
    : { isGood: true as const }
  verdicts.push({ type: auditdType, assessment })
  return { ...notes, isAuditdMissing: isMissing }
}

function collectsActivity({ era, effective }: ConfigurationView): boolean {
  if (era !== 'legacy' && era !== 'early') return false
  const names = ['eventPriorityProcessCreate', 'eventPriorityConnectionCreate']
  return names.some((name) => String(effective[name]?.value ?? 'low').toLowerCase() !== 'off')
}

function runsLinux({ inventory }: AgentState): boolean {
  return !/windows/i.test(inventory?.osName ?? '')
}

/** A change of desired answers what the agent complained about. */
function judgeConfiguration(
  notes: DeviceNotes,
  { module }: SeenDevice,
  verdicts: Verdict[],
): DeviceNotes {
  const { configErrorMs } = notes
  if (configErrorMs === 0 || !module || module.desiredUpdatedMs <= configErrorMs) return notes
  for (const type of [notOptimalType, conflictType]) {
    verdicts.push({ type, assessment: { isGood: true } })
  }
  return { ...notes, configErrorMs: 0 }
}

/** A manifest is read once for each of its versions, and when types are switched. */
function judgeEdge(
  notes: DeviceNotes,
  { modules }: SeenDevice,
  { isOff, verdicts }: Judging,
): DeviceNotes {
  if (modules === undefined) return notes
  const agent = modules.find(({ ref }) => ref.moduleId === '$edgeAgent')
  const edgeVersion = agent?.desiredVersion ?? 0
  const names = EDGE_TYPES.map(({ recommendationType }) => recommendationType)
  // Of the many devices without a manifest nothing is noted.
  const edgeOff = edgeVersion === 0 ? [] : names.filter(isOff)
  const isSame = edgeOff.join() === notes.edgeOff.join()
  if (edgeVersion === notes.edgeVersion && isSame) return notes
  const manifest = readManifest(modules)
  verdicts.push(...judgeManifest(manifest))
  const hashes = manifest === undefined ? {} : moduleHashes(manifest)
  return { ...notes, edgeVersion, edgeOff, edgeModules: hashes }
}

/** How often an agent sends each kind of snapshot, by its configuration. */
function intervalsOf(
  { intervals }: DeviceNotes,
  configuration: ConfigurationView | undefined,
): DeviceNotes['intervals'] {
  if (configuration === undefined) return intervals
  const { era, effective } = configuration
  const read = (name: string) => String(effective[name]?.value ?? '')
  if (era === 'legacy' || era === 'early') {
    const snapshotMs = parseDuration(read('snapshotFrequency'))
    if (snapshotMs === undefined) return intervals
    const own = ['ports', 'fw', 'baseline', 'messageStatistics', 'dropped']
    return Object.fromEntries(own.map((source) => [source, snapshotMs]))
  }
  const minutes = read('CollectorsCore_PriorityIntervals').split(',').map(Number)
  const intervalMs = (collector: string) => {
    const at = ['high', 'medium', 'low'].indexOf(
      read(`${collector}_MessageFrequency`).toLowerCase(),
    )
    const interval = minutes[at] ?? Number.NaN
    return interval > 0 ? interval * MINUTE_MS : undefined
  }
  const collectors = { baseline: 'Baseline', sbom: 'SBoM', dropped: 'Statistics' }
  const known = Object.entries(collectors).flatMap(([source, collector]) => {
    const ms = intervalMs(collector)
    return ms === undefined ? [] : [[source, ms] as const]
  })
  return Object.fromEntries(known)
}
