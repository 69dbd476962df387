import { type Era, hasTwinConfiguration, type SettingValue, settingsOf } from '@twinward/protocol'

/**
 * What agents say about themselves stays on when the collection is off: it is how one sees that a
 * paused agent is still there, and without everything else it collects nothing.
 */
const ABOUT_ITSELF: readonly string[] = [
  'eventPriorityDiagnostic',
  'eventPriorityConfigurationError',
  'eventPriorityDroppedEventsStatistics',
  'eventPriorityMessageStatistics',
  'eventPriorityOperational',
  'Heartbeat_Disabled',
  'LogCollector_Disabled',
  'Statistics_Disabled',
]

/** Settings that switch collectors; none for eras that are not configured through the twin. Pure. */
export function collectionSwitches(era: Era): readonly string[] {
  if (!hasTwinConfiguration(era)) return []
  return [...settingsOf(era).keys()].filter(
    (name) => isSwitch(name) && !ABOUT_ITSELF.includes(name),
  )
}

function isSwitch(name: string): boolean {
  return name.startsWith('eventPriority') || name.endsWith('_Disabled')
}

/** The value of a switch that is off. */
export function switchedOff(era: Era): SettingValue {
  return era === 'micro' ? true : 'Off'
}
