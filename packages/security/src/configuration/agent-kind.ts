import type { AgentKind, ConfigurationReading, Setting } from '@twinward/protocol'

/** Settings that only one of the two legacy agents reports. */
const ONLY_C = ['eventPriorityOperational']
const ONLY_CSHARP = [
  'eventPriorityConnectedHardware',
  'eventPriorityConfigurationError',
  'hubResourceId',
]

/** Tells the C agent from the C# agent by what they report. */
export function legacyAgentKind({ settings }: ConfigurationReading): AgentKind {
  const isC = ONLY_C.some((name) => name in settings)
  const isCsharp = ONLY_CSHARP.some((name) => name in settings)
  if (isC === isCsharp) return 'unknown'
  return isC ? 'c' : 'csharp'
}

/** An agent that has not told its kind is held only to what both of them implement. */
export function implementsSetting(kind: AgentKind, { agents }: Setting): boolean {
  return kind === 'unknown' ? agents.length > 1 : agents.includes(kind)
}
