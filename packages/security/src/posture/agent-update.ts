import type { JsonObject, JsonValue } from '@twinward/protocol'
import type { DecodedMessage } from '../ingestion/decode.ts'
import type { SecurityEvent } from '../ingestion/record.ts'
import type { SecurityMessage } from '../platform.ts'
import type { AgentState, HourCount } from './agent-state.ts'

const HOUR_MS = 3_600_000
/** Hours that are counted one by one. */
export const COUNTED_HOURS = 24
const MAX_ERROR_CHARACTERS = 512

/** What a message tells about its agent. Pure. */
export function updateAgent(
  before: AgentState | undefined,
  { ref, enqueuedTimeMs }: Pick<SecurityMessage, 'ref' | 'enqueuedTimeMs'>,
  decoded: DecodedMessage,
): AgentState {
  const state = before ?? newAgent(ref.deviceId)
  const counts = {
    dropped: sum(decoded.events.map(droppedIn)),
    rejected: decoded.rejections.length,
  }
  const hours = countHour(state.hours, Math.floor(enqueuedTimeMs / HOUR_MS), counts)
  // A message that was refused whole tells nothing but that.
  if (decoded.schema === '') return { ...state, hours }
  return {
    ...state,
    ...configurationError(decoded.events, enqueuedTimeMs),
    moduleId: ref.moduleId ?? '',
    agentVersion: decoded.agentVersion,
    agentId: decoded.agentId,
    schema: decoded.schema,
    lastMessageMs: Math.max(state.lastMessageMs, enqueuedTimeMs),
    events: state.events + decoded.events.length,
    hours,
  }
}

function newAgent(deviceId: string): AgentState {
  return {
    deviceId,
    moduleId: '',
    agentVersion: '',
    agentId: '',
    schema: '',
    lastMessageMs: 0,
    events: 0,
    hours: [],
    configErrorMs: 0,
    configError: '',
  }
}

function countHour(
  hours: readonly HourCount[],
  hour: number,
  { dropped, rejected }: { dropped: number; rejected: number },
): readonly HourCount[] {
  if (dropped === 0 && rejected === 0) return hours
  const same = hours.find((count) => count.hour === hour)
  const counted = {
    hour,
    dropped: dropped + (same?.dropped ?? 0),
    rejected: rejected + (same?.rejected ?? 0),
  }
  return [...hours.filter((count) => count.hour !== hour), counted]
    .sort((a, b) => a.hour - b.hour)
    .slice(-COUNTED_HOURS)
}

/** `DroppedEventsStatistics` of legacy agents, `Statistics` of the 2.0 messages. */
function droppedIn({ header, payload }: SecurityEvent): number {
  if (header.name === 'DroppedEventsStatistics') {
    return sum(payload.map(({ DroppedEvents }) => count(DroppedEvents)))
  }
  if (header.name === 'Statistics') return sum(payload.map(({ dropped }) => count(dropped)))
  return 0
}

function count(value: JsonValue | undefined): number {
  return typeof value === 'number' && value > 0 ? value : 0
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}

function configurationError(
  events: readonly SecurityEvent[],
  timeMs: number,
): Partial<Pick<AgentState, 'configErrorMs' | 'configError'>> {
  const error = events.findLast(
    ({ header, payload }) => header.name === 'ConfigurationError' && payload.length > 0,
  )?.payload[0]
  if (error === undefined) return {}
  return { configErrorMs: timeMs, configError: describe(error) }
}

function describe({ ErrorType, ConfigurationName, Message }: JsonObject): string {
  return `${ErrorType}: ${ConfigurationName}: ${Message}`.slice(0, MAX_ERROR_CHARACTERS)
}
