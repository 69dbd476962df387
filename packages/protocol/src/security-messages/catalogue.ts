import type { TSchema } from 'typebox'
import type { SecurityEventHeader } from './envelope.ts'
import * as payloads from './payloads.ts'

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
