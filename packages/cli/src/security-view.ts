import type { JsonObject, JsonValue } from '@twinward/protocol'
import { formatFields, formatTime, type Output } from './output.ts'

/** The configuration of a security agent as the security API shows it. */
export interface ConfigurationView {
  readonly era: string
  readonly state: string
  readonly reason: string
  readonly desired: JsonObject
  readonly reported: JsonObject
  /** Every setting that the agent knows. */
  readonly effective: {
    readonly [name: string]: { readonly value: JsonValue; readonly source: string }
  }
  readonly drift: readonly Drift[]
  readonly desiredVersion: number
  readonly appliedVersion: number
  /** After a change only. */
  readonly warnings?: readonly { readonly name: string; readonly reason: string }[]
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
  readonly securityGroup: string
  /** `null` without a security module. */
  readonly configuration: ConfigurationView | null
  readonly agent: { readonly version?: string; readonly lastMessageUtc?: string }
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
      ['State', view.state],
      ['Score', typeof score === 'number' ? `${score} of 100` : 'not known yet'],
      ['Security group', view.securityGroup],
      ['Agent version', agent.version],
      ['Last message', formatTime(agent.lastMessageUtc)],
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

export function showConfiguration(out: Output, view: ConfigurationView): void {
  out.print(
    formatFields([
      ['Era', view.era],
      ['State', view.state],
      ['Reason', view.reason],
      ['Versions', `desired ${view.desiredVersion}, applied ${view.appliedVersion}`],
    ]),
  )
  const drifting = new Set(view.drift.map(({ name }) => name))
  const rows = Object.entries(view.effective).map(([name, { value, source }]) => [
    name,
    inWords(value),
    source,
    name in view.reported ? inWords(view.reported[name]) : '',
    drifting.has(name) ? 'yes' : '',
  ])
  section(out, 'Settings', ['SETTING', 'VALUE', 'FROM', 'REPORTED', 'DRIFT'], rows)
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

function inWords(value: JsonValue | undefined): string {
  if (value === null || value === undefined) return '–'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
