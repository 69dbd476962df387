import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { event } from '../../test/contracts/event-store.ts'
import type { SecurityEventStore } from '../data/event-store.ts'
import type { SecurityEvent } from './record.ts'
import {
  EventRecorder,
  FLUSH_AFTER_MS,
  FLUSH_ROWS,
  MAX_WAITING_BYTES,
  MAX_WAITING_ROWS,
  RETRY_PAUSE_MS,
} from './recorder.ts'

/** A store that keeps what it is given, and fails or waits when told to. */
class FakeStore implements SecurityEventStore {
  readonly appends: { events: readonly SecurityEvent[]; through: number }[] = []
  attempts = 0
  failures = 0
  gate: Promise<void> = Promise.resolve()

  async append(events: readonly SecurityEvent[], through: number) {
    this.attempts++
    await this.gate
    if (this.failures > 0) {
      this.failures--
      throw new Error('disk full')
    }
    this.appends.push({ events, through })
  }
  async cursor() {
    return this.appends.at(-1)?.through ?? 0
  }
  async query(): Promise<never> {
    throw new Error('not asked for')
  }
  async expire() {
    return 0
  }
  async close() {}

  get sequences(): number[] {
    return this.appends.flatMap(({ events }) => events.map(({ header }) => header.sequence))
  }
}

/** A clock whose sleepers the test wakes. */
function startRecorder(store = new FakeStore()) {
  const sleepers: { ms: number; wake: () => void }[] = []
  const lines: string[] = []
  const clock = {
    sleep: (ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve, reject) => {
        const sleeper = { ms, wake: resolve }
        sleepers.push(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers.splice(sleepers.indexOf(sleeper), 1)
          reject(signal.reason)
        })
      }),
  }
  const log = {
    info: (_: object, message: string) => void lines.push(message),
    error: (_: object, message: string) => void lines.push(message),
  }
  return { store, sleepers, lines, recorder: new EventRecorder(store, clock, log) }
}

/** Lets everything run that needs no clock. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function events(from: number, count: number): SecurityEvent[] {
  return Array.from({ length: count }, (_, index) => event(from + index))
}

test('add: a few rows are stored together, a second after the first', async () => {
  const { recorder, store, sleepers } = startRecorder()
  await recorder.add(events(1, 3), 3)
  await recorder.add(events(4, 2), 5)
  await settle()
  assert.equal(store.attempts, 0)
  assert.deepEqual(
    sleepers.map(({ ms }) => ms),
    [FLUSH_AFTER_MS],
  )
  sleepers[0]?.wake()
  await settle()
  assert.equal(store.appends.length, 1)
  assert.deepEqual(store.sequences, [1, 2, 3, 4, 5])
  assert.equal(await recorder.cursor(), 5)
})

test('add: a full chunk is stored at once', async () => {
  const { recorder, store, sleepers } = startRecorder()
  await recorder.add(events(1, FLUSH_ROWS), FLUSH_ROWS)
  await settle()
  assert.equal(store.sequences.length, FLUSH_ROWS)
  assert.deepEqual(sleepers, [])
})

test('add: messages without events move the cursor too', async () => {
  const { recorder, store, sleepers } = startRecorder()
  await recorder.add([], 8)
  sleepers[0]?.wake()
  await settle()
  assert.deepEqual(store.appends, [{ events: [], through: 8 }])
})

test('add: a recorder that is full of rows makes its caller wait, and refuses who does not', async () => {
  const store = new FakeStore()
  let open = () => {}
  store.gate = new Promise((resolve) => {
    open = resolve
  })
  const { recorder } = startRecorder(store)
  let hasRoom = false
  const waiting = recorder.add(events(1, MAX_WAITING_ROWS), MAX_WAITING_ROWS).then(() => {
    hasRoom = true
  })
  await settle()
  assert.equal(hasRoom, false)
  await assert.rejects(
    recorder.add(events(MAX_WAITING_ROWS + 1, 1), MAX_WAITING_ROWS + 1),
    HubError,
  )
  open()
  await waiting
  await recorder.add(events(MAX_WAITING_ROWS + 1, 1), MAX_WAITING_ROWS + 1)
})

test('add: a recorder that is full of bytes makes its caller wait', async () => {
  const { recorder, store, sleepers } = startRecorder()
  const big = event(1, { text: 'x'.repeat(MAX_WAITING_BYTES) })
  let hasRoom = false
  const waiting = recorder.add([big], 1).then(() => {
    hasRoom = true
  })
  await settle()
  assert.equal(hasRoom, false)
  // One row alone does not fill a chunk: the timer brings it away.
  sleepers[0]?.wake()
  await waiting
  assert.equal(store.appends.length, 1)
})

test('flush: what was added before is stored when it resolves', async () => {
  const store = new FakeStore()
  let open = () => {}
  store.gate = new Promise((resolve) => {
    open = resolve
  })
  const { recorder } = startRecorder(store)
  await recorder.add(events(1, FLUSH_ROWS), FLUSH_ROWS)
  await recorder.add(events(FLUSH_ROWS + 1, 1), FLUSH_ROWS + 1)
  const flushed = recorder.flush()
  open()
  await flushed
  assert.equal(await recorder.cursor(), FLUSH_ROWS + 1)
  await recorder.flush()
  assert.equal(store.appends.length, 2)
})

test('a failed flush keeps the rows in order, logs once and tries again after a pause', async () => {
  const { recorder, store, sleepers, lines } = startRecorder()
  store.failures = 3
  await recorder.add(events(1, FLUSH_ROWS), FLUSH_ROWS)
  await settle()
  await recorder.add(events(FLUSH_ROWS + 1, FLUSH_ROWS), 2 * FLUSH_ROWS)
  await settle()
  // More rows do not shorten the pause.
  assert.equal(store.attempts, 1)
  assert.deepEqual(
    sleepers.map(({ ms }) => ms),
    [RETRY_PAUSE_MS],
  )
  sleepers.pop()?.wake()
  await settle()
  await assert.rejects(recorder.flush(), HubError)
  assert.equal(store.attempts, 3)
  assert.deepEqual(lines, ['security events are not stored'])
  sleepers.pop()?.wake()
  await settle()
  assert.deepEqual(
    store.sequences,
    Array.from({ length: 2 * FLUSH_ROWS }, (_, index) => index + 1),
  )
  assert.deepEqual(lines, ['security events are not stored', 'security events are stored again'])
})

test('close: stores what waits and takes nothing more', async () => {
  const { recorder, store, sleepers } = startRecorder()
  await recorder.add(events(1, 2), 2)
  await recorder.close()
  await recorder.close()
  assert.deepEqual(store.sequences, [1, 2])
  assert.deepEqual(sleepers, [])
  await assert.rejects(recorder.add(events(3, 1), 3), HubError)
})

test('close: ends with a failing store too, says so, and frees who waits for room', async () => {
  const { recorder, store, lines } = startRecorder()
  store.failures = Number.POSITIVE_INFINITY
  const waiting = recorder.add(events(1, MAX_WAITING_ROWS), MAX_WAITING_ROWS)
  const freed = assert.rejects(waiting, HubError)
  await settle()
  await recorder.close()
  await freed
  assert.equal(lines.at(-1), 'closed with security events that are not stored yet')
})
