import { eventKinds } from '@twinward/protocol'
import type { IntakeState } from './ingestion-store.ts'
import type { EventHeader } from './record.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Hours with losses that are remembered one by one. */
export const COUNTED_HOURS = 24
/**
 * Rows in an hour that pass whatever the limits say, when they are the agent's own words about what
 * it lost or got wrong. Agents send a few; beyond, they count like others.
 */
export const OPERATIONAL_ROWS_PER_HOUR = 1_000

/** How much of one device is kept. */
export interface IntakeLimits {
  /** Bytes of security messages in a day, UTC. */
  readonly dailyBytes: number
  /** Rows, one for each payload element, in an hour. */
  readonly hourlyRows: number
}

export function newIntakeState(deviceId: string): IntakeState {
  return {
    deviceId,
    day: 0,
    dayBytes: 0,
    hour: 0,
    hourRows: 0,
    hourOperationalRows: 0,
    losses: [],
    events: 0,
    repeated: 0,
    reusedIds: 0,
    lostEvents: 0,
    lostRows: 0,
    unknownPayloads: {},
  }
}

/** Counts the bytes of a message, and begins a new day or hour when it came in one. Pure. */
export function countMessage(state: IntakeState, bytes: number, receivedMs: number): IntakeState {
  const day = Math.floor(receivedMs / DAY_MS)
  const hour = Math.floor(receivedMs / HOUR_MS)
  // Stamped before the full hour and stored after it: two that change places are not two new hours.
  if (hour === state.hour - 1) return { ...state, dayBytes: state.dayBytes + bytes }
  const dayBytes = (day === state.day ? state.dayBytes : 0) + bytes
  if (hour === state.hour) return { ...state, day, dayBytes }
  return { ...state, day, dayBytes, hour, hourRows: 0, hourOperationalRows: 0 }
}

/** A state that is being counted into. */
export type IntakeDraft = { -readonly [K in keyof IntakeState]: IntakeState[K] }

/**
 * Counts the rows of one event, which is kept whole or not at all. Changes the state that it is given:
 * a copy for each event would cost more than everything else here.
 *
 * @returns why the event is not kept, if so
 */
export function countEvent(
  state: IntakeDraft,
  { eventType, name }: Pick<EventHeader, 'eventType' | 'name'>,
  rows: number,
  limits: IntakeLimits,
): string | undefined {
  if (isAboutAgent(eventType, name)) {
    const operationalRows = state.hourOperationalRows + rows
    if (operationalRows <= OPERATIONAL_ROWS_PER_HOUR) {
      state.hourOperationalRows = operationalRows
      state.hourRows += rows
      state.events++
      return undefined
    }
  }
  const excess = excessOf(state, rows, limits)
  if (excess === undefined) {
    state.hourRows += rows
    state.events++
    return undefined
  }
  state.losses = countLoss(state, rows)
  state.lostEvents++
  state.lostRows += rows
  return excess
}

function excessOf(
  { dayBytes, hourRows }: IntakeState,
  rows: number,
  { dailyBytes, hourlyRows }: IntakeLimits,
): string | undefined {
  if (dayBytes > dailyBytes) return `more than ${dailyBytes} bytes in a day`
  if (hourRows + rows > hourlyRows) return `more than ${hourlyRows} rows in an hour`
  return undefined
}

/** Only the names that agents use for it: the type alone is the sender's to choose. */
function isAboutAgent(eventType: string, name: string): boolean {
  if (eventType !== 'Operational') return false
  return eventKinds('2.0').get(name)?.eventType === 'Operational'
}

function countLoss({ losses, hour }: IntakeState, rows: number): IntakeState['losses'] {
  const last = losses.at(-1)
  if (last?.hour === hour) {
    return [...losses.slice(0, -1), { hour, events: last.events + 1, rows: last.rows + rows }]
  }
  return [...losses, { hour, events: 1, rows }].slice(-COUNTED_HOURS)
}

/** `2024-01-01T05:00Z` */
export function formatHour(hour: number): string {
  return `${new Date(hour * HOUR_MS).toISOString().slice(0, 16)}Z`
}
