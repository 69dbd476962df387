import type { JsonObject, JsonValue } from '@twinward/protocol'
import { formatFields, formatTime, type Output, printable } from './output.ts'

/** The configuration of a security agent as the security API shows it. */
export interface ConfigurationView {
  readonly era: string
  readonly state: string
  readonly reason: string
  readonly desired: JsonObject
  readonly reported: JsonObject
  /** Every setting that the agent knows. */
  readonly effective: {
    readonly [name: string]: {
      readonly value: JsonValue
      readonly source: string
      /** The id, where an automatic configuration is the source. */
      readonly configuration?: string
    }
  }
  readonly drift: readonly Drift[]
  readonly securityGroup: string
  /** What the hub or the group says and the twin does not hold yet. */
  readonly inheriting: readonly string[]
  /** What the agent refuses by name. */
  readonly invalidFields: readonly string[]
  readonly unreadable: readonly Remark[]
  readonly unknown: JsonObject
  readonly warnings: readonly Remark[]
  /** Of agents that are configured when they are built. */
  readonly constants?: readonly {
    readonly name: string
    readonly default: JsonValue
    readonly unit: string
  }[]
  readonly desiredVersion: number
  readonly appliedVersion: number
}

export interface Remark {
  readonly name: string
  readonly reason: string
}

interface Drift {
  readonly name: string
  readonly desired: JsonValue
  readonly reported: JsonValue
}

/** The logical security module twin of a device (interface: `GET /api/devices/{id}/security`). */
export interface DeviceSecurityView {
  readonly deviceId: string
  readonly modules: readonly {
    readonly moduleId: string
    readonly era: string
    readonly connectionState: string
  }[]
  readonly state: string
  readonly stateSinceUtc?: string | null
  readonly stateHistory?: readonly {
    readonly timeUtc: string | null
    readonly state: string
    readonly by: string
    readonly reason: string
  }[]
  /** `null` unless it is suspended. */
  readonly suspension?: {
    readonly untilUtc: string | null
    readonly reason: string
    readonly by: string
  } | null
  readonly inactiveSinceUtc?: string | null
  readonly inventory?: { readonly [name: string]: string | readonly string[] }
  readonly securityGroup: string
  /** `null` without a security module. */
  readonly configuration: ConfigurationView | null
  readonly agent: {
    readonly kind?: string
    readonly version?: string
    readonly schema?: string
    readonly lastMessageUtc?: string | null
    readonly nextExpectedUtc?: string | null
    readonly messages24h?: number
    readonly events24h?: number
    readonly droppedEvents24h?: number
    readonly rejected24h?: number
    readonly lastRejected?: { readonly timeUtc: string | null; readonly reason: string } | null
    readonly clockOffsetSeconds?: number | null
  }
  readonly posture: { readonly score?: number | null }
  readonly alerts: {
    readonly [type: string]: {
      readonly severity: string
      readonly openCount: number
      readonly lastDetectionUtc: string
    }
  }
  readonly recommendations: {
    readonly [type: string]: { readonly severity: string; readonly discoveredAtUtc?: string }
  }
}

export function showDeviceSecurity(out: Output, view: DeviceSecurityView): void {
  const { agent, posture, configuration } = view
  const { score } = posture
  out.print(
    formatFields([
      ['Device', view.deviceId],
      ['State', describeState(view)],
      ['Suspended', describeSuspension(view)],
      ['Inactive since', view.inactiveSinceUtc ? formatTime(view.inactiveSinceUtc) : undefined],
      ['Score', typeof score === 'number' ? `${score} of 100` : 'not known yet'],
      ['Security group', view.securityGroup],
      ['Agent', [agent.kind, agent.version].filter(Boolean).join(' ')],
      ['Schema', agent.schema],
      ['Last message', formatTime(agent.lastMessageUtc)],
      ['Next expected', agent.nextExpectedUtc ? formatTime(agent.nextExpectedUtc) : undefined],
      ['In 24 hours', describeDay(agent)],
      ['Last refused', describeRefusal(agent)],
      ['Clock', describeClock(agent)],
      ['Inventory', describeInventory(view.inventory)],
      ['Configuration', configuration === null ? undefined : describeApplied(configuration)],
    ]),
  )
  section(
    out,
    'Security modules',
    ['MODULE', 'ERA', 'CONNECTION'],
    [...view.modules.map(({ moduleId, era, connectionState }) => [moduleId, era, connectionState])],
  )
  section(
    out,
    'States',
    ['SINCE', 'STATE', 'BY', 'REASON'],
    [...(view.stateHistory ?? [])]
      .reverse()
      .map(({ timeUtc, state, by, reason }) => [formatTime(timeUtc), state, by, reason]),
  )
  section(
    out,
    'Open alerts',
    ['TYPE', 'SEVERITY', 'OPEN', 'LAST'],
    Object.entries(view.alerts).map(([type, { severity, openCount, lastDetectionUtc }]) => [
      type,
      severity,
      String(openCount),
      formatTime(lastDetectionUtc),
    ]),
  )
  section(
    out,
    'Active recommendations',
    ['TYPE', 'SEVERITY', 'SINCE'],
    Object.entries(view.recommendations).map(([type, { severity, discoveredAtUtc }]) => [
      type,
      severity,
      formatTime(discoveredAtUtc),
    ]),
  )
}

type AgentView = DeviceSecurityView['agent']

function describeState({ state, stateSinceUtc }: DeviceSecurityView): string {
  return stateSinceUtc ? `${state} since ${formatTime(stateSinceUtc)}` : state
}

function describeSuspension({ suspension }: DeviceSecurityView): string | undefined {
  if (!suspension) return undefined
  const { untilUtc, by, reason } = suspension
  const end = untilUtc ? `until ${formatTime(untilUtc)}` : 'until somebody resumes'
  return [end, by && `by ${by}`, reason].filter(Boolean).join(', ')
}

function describeDay(agent: AgentView): string | undefined {
  const { messages24h, events24h, droppedEvents24h, rejected24h } = agent
  if (messages24h === undefined) return undefined
  return (
    `${messages24h} messages, ${events24h} events, ` +
    `${droppedEvents24h} dropped by the agent, ${rejected24h} refused`
  )
}

function describeRefusal({ lastRejected }: AgentView): string | undefined {
  return lastRejected ? `${formatTime(lastRejected.timeUtc)}: ${lastRejected.reason}` : undefined
}

function describeClock({ clockOffsetSeconds }: AgentView): string | undefined {
  if (typeof clockOffsetSeconds !== 'number' || clockOffsetSeconds <= 0) return undefined
  return `${clockOffsetSeconds} s ahead`
}

function describeInventory(inventory: DeviceSecurityView['inventory'] = {}): string {
  return Object.values(inventory)
    .map((value) => (typeof value === 'string' ? value : value.join(' ')))
    .join(', ')
}

export function showConfiguration(out: Output, view: ConfigurationView): void {
  const listed = (names: readonly string[]) => names.join(', ')
  out.print(
    formatFields([
      ['Era', view.era],
      ['Security group', view.securityGroup],
      ['State', view.state],
      ['Reason', view.reason],
      ['Refused', listed(view.invalidFields)],
      ['On its way', listed(view.inheriting)],
      ['Not known', listed(Object.keys(view.unknown))],
      ['Versions', `desired ${view.desiredVersion}, applied ${view.appliedVersion}`],
    ]),
  )
  const drifting = new Set(view.drift.map(({ name }) => name))
  const rows = Object.entries(view.effective).map(([name, { value, source, configuration }]) => [
    name,
    inWords(value),
    configuration === undefined ? source : `${source} ${configuration}`,
    Object.hasOwn(view.reported, name) ? inWords(view.reported[name]) : '',
    drifting.has(name) ? 'yes' : '',
  ])
  section(out, 'Settings', ['SETTING', 'VALUE', 'FROM', 'REPORTED', 'DRIFT'], rows)
  const constants = view.constants?.map((each) => [each.name, inWords(each.default), each.unit])
  if (constants) section(out, 'Built in', ['CONSTANT', 'DEFAULT', 'UNIT'], constants)
  for (const remark of [...view.unreadable, ...view.warnings]) noteRemark(out, remark)
}

export function noteRemark(out: Output, { name, reason }: Remark): void {
  out.note(printable(`${name}: ${reason}`))
}

function describeApplied({ state, drift }: ConfigurationView): string {
  const names = drift.map(({ name }) => name).join(', ')
  return names === '' ? state : `${state}; differs in ${names}`
}

function section(
  out: Output,
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  out.print(`\n${title}${rows.length === 0 ? ': none' : ''}`)
  if (rows.length > 0) out.table(head, rows)
}

export function inWords(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '–'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
