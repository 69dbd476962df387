import type { JsonObject, JsonValue } from '@twinward/protocol'
import { CLOCK_SAMPLES } from '../ingestion/clock-offset.ts'
import type { DecodedMessage } from '../ingestion/decode.ts'
import type { SecurityEvent } from '../ingestion/record.ts'
import type { SecurityMessage } from '../platform.ts'
import type { AgentState, HourCount } from './agent-state.ts'
import { inventoryIn } from './inventory.ts'

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
    messages: 1,
    events: decoded.events.length,
    // What the agent dropped, and what the limits of the device did not let in.
    dropped: sum(decoded.events.map(droppedIn)) + (decoded.lostEvents ?? 0),
    rejected: decoded.rejections.length,
  }
  const hours = countHour(state.hours, Math.floor(enqueuedTimeMs / HOUR_MS), counts)
  const lastRejection = rejectionIn(decoded, enqueuedTimeMs)
  // A message that was refused whole tells nothing but that.
  if (decoded.schema === '') return { ...state, hours, ...(lastRejection && { lastRejection }) }
  const { clockOffsetMs } = decoded
  const inventory = inventoryIn(decoded.events)
  return {
    ...state,
    ...(lastRejection && { lastRejection }),
    ...(clockOffsetMs !== undefined && {
      clockOffsets: [...(state.clockOffsets ?? []), clockOffsetMs].slice(-CLOCK_SAMPLES),
    }),
    ...(inventory && { inventory }),
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
  counts: Omit<HourCount, 'hour'>,
): readonly HourCount[] {
  const same = hours.find((count) => count.hour === hour)
  const counted = {
    hour,
    messages: counts.messages + (same?.messages ?? 0),
    events: counts.events + (same?.events ?? 0),
    dropped: counts.dropped + (same?.dropped ?? 0),
    rejected: counts.rejected + (same?.rejected ?? 0),
  }
  return [...hours.filter((count) => count.hour !== hour), counted]
    .sort((a, b) => a.hour - b.hour)
    .slice(-COUNTED_HOURS)
}

function rejectionIn({ rejections }: DecodedMessage, timeMs: number): AgentState['lastRejection'] {
  const last = rejections.at(-1)
  return last && { timeMs, reason: last.reason.slice(0, MAX_ERROR_CHARACTERS) }
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
