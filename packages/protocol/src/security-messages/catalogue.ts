import type { TSchema } from 'typebox'
import type { SecurityEventHeader, SecurityMessageSchema } from './envelope.ts'
import * as payloads from './payloads.ts'
import * as micro from './payloads-2.ts'

/** One kind of event, and what its agents say in the header. */
export interface SecurityEventKind {
  readonly eventType: SecurityEventHeader['EventType']
  readonly category: SecurityEventHeader['Category']
  /** Schema of one payload element. */
  readonly element: TSchema
}

const security = { eventType: 'Security', category: 'Triggered' } as const
const snapshot = { eventType: 'Security', category: 'Periodic' } as const
const statistics = { eventType: 'Operational', category: 'Periodic' } as const

/**
 * The events of the 1.0 message. A Map, because the name comes from the wire and `constructor` is one.
 */
export const securityEventKinds: ReadonlyMap<string, SecurityEventKind> = new Map([
  ['ProcessCreate', { ...security, element: payloads.ProcessCreate }],
  ['ProcessTerminate', { ...security, element: payloads.ProcessTerminate }],
  ['ConnectionCreate', { ...security, element: payloads.ConnectionCreate }],
  ['Login', { ...security, element: payloads.Login }],
  ['ListeningPorts', { ...snapshot, element: payloads.ListeningPorts }],
  ['LocalUsers', { ...snapshot, element: payloads.LocalUsers }],
  ['FirewallConfiguration', { ...snapshot, element: payloads.FirewallConfiguration }],
  ['OSBaseline', { ...snapshot, element: payloads.OSBaseline }],
  ['SystemInformation', { ...snapshot, element: payloads.SystemInformation }],
  ['ConnectedHardware', { ...snapshot, element: payloads.ConnectedHardware }],
  ['Heartbeat', { ...snapshot, element: payloads.Heartbeat }],
  [
    'Diagnostic',
    { eventType: 'Diagnostic', category: 'Triggered', element: payloads.Diagnostic } as const,
  ],
  [
    'ConfigurationError',
    {
      eventType: 'Operational',
      category: 'Triggered',
      element: payloads.ConfigurationError,
    } as const,
  ],
  ['DroppedEventsStatistics', { ...statistics, element: payloads.DroppedEventsStatistics }],
  ['MessageStatistics', { ...statistics, element: payloads.MessageStatistics }],
] satisfies [string, SecurityEventKind][])

const activity = { eventType: 'Security', category: 'Periodic' } as const

/** What messages of schema 2.0 have besides, or in another shape than those of 1.0. */
const microEventKinds: ReadonlyMap<string, SecurityEventKind> = new Map([
  ['Process', { ...security, element: micro.Process }],
  ['NetworkActivity', { ...activity, element: micro.NetworkActivity }],
  ['DnsActivity', { ...activity, element: micro.DnsActivity }],
  ['Login', { ...security, element: micro.Login }],
  ['Sbom', { ...snapshot, element: micro.Sbom }],
  ['Peripheral', { ...security, element: micro.Peripheral }],
  ['FileSystem', { ...activity, element: micro.FileSystem }],
  ['Baseline', { ...snapshot, element: micro.Baseline }],
  ['Statistics', { ...statistics, element: micro.Statistics }],
  ['Log', { eventType: 'Diagnostic', category: 'Triggered', element: micro.Log } as const],
] satisfies [string, SecurityEventKind][])

const kindsOfSchema: Readonly<
  Record<SecurityMessageSchema, ReadonlyMap<string, SecurityEventKind>>
> = {
  '1.0': securityEventKinds,
  '2.0': new Map([...securityEventKinds, ...microEventKinds]),
}

/** The events that a message of this schema may have, by name. */
export function eventKinds(schema: SecurityMessageSchema): ReadonlyMap<string, SecurityEventKind> {
  return kindsOfSchema[schema]
}
