import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TestClock } from '../../test/clock.ts'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { silentLog } from '../log.ts'
import {
  ACTIVITY_COUNTERS,
  ActivityCounters,
  type ActivityPlace,
  type DeviceActivity,
  MAX_COUNTED_DEVICES,
  MAX_KEPT_MINUTES,
  MINUTE_MS,
  ROLL_INTERVAL_MS,
} from './counters.ts'

const START_MS = Date.parse('2026-01-01T00:00:00Z')
const BEGINNING: ActivityPlace = { minuteMs: 0, read: 0 }

function open() {
  const clock = new TestClock(START_MS)
  const bus = new InProcessBus(silentLog)
  const counters = new ActivityCounters({ bus, clock })
  return { clock, bus, counters }
}

function readAll(counters: ActivityCounters, limit = 7) {
  const minutes = new Map<number, { isComplete: boolean; devices: DeviceActivity[] }>()
  let place = BEGINNING
  for (;;) {
    const page = counters.read(place, limit)
    if (!page) return minutes
    const minute = minutes.get(page.minuteMs) ?? { isComplete: page.isComplete, devices: [] }
    for (const device of page.devices) minute.devices.push(device)
    minutes.set(page.minuteMs, minute)
    place = page.place
  }
}

test('a minute is told once it is over, with every device that did something in it', () => {
  const { clock, bus, counters } = open()
  counters.start()
  clock.advance(MINUTE_MS)
  counters.count('pump-1', 'mqttD2C')
  counters.count('pump-1', 'mqttD2C', 4)
  counters.count('pump-2', 'httpC2DRejected')
  bus.publish({
    kind: 'reported-changed',
    ref: { deviceId: 'pump-2', moduleId: 'agent' },
    patch: {},
  })
  bus.publish({ kind: 'session-opened', ref: { deviceId: 'pump-2' } })
  assert.equal(readAll(counters).get(START_MS + MINUTE_MS), undefined)
  clock.advance(MINUTE_MS)
  assert.deepEqual(readAll(counters).get(START_MS + MINUTE_MS), {
    isComplete: true,
    devices: [
      { deviceId: 'pump-1', counts: { mqttD2C: 5 } },
      { deviceId: 'pump-2', counts: { httpC2DRejected: 1, twinUpdates: 1, connects: 1 } },
    ],
  })
})

test('the minute in which counting began is incomplete, quiet ones are left out', () => {
  const { clock, counters } = open()
  counters.count('pump-1', 'mqttD2C')
  counters.start()
  clock.advance(5 * MINUTE_MS)
  counters.count('pump-1', 'mqttD2C')
  clock.advance(MINUTE_MS)
  const minutes = [...readAll(counters)].map(([minuteMs, { isComplete }]) => [minuteMs, isComplete])
  assert.deepEqual(minutes, [
    [START_MS, false],
    [START_MS + 5 * MINUTE_MS, true],
  ])
})

test('property: whatever is counted is told once, in whatever pages it is read', () => {
  const counted = fc.record({
    device: fc.integer({ min: 0, max: 90 }),
    counter: fc.constantFrom(...ACTIVITY_COUNTERS),
    times: fc.integer({ min: 1, max: 1000 }),
    laterMs: fc.integer({ min: 0, max: 70_000 }),
  })
  fc.assert(
    fc.property(fc.array(counted), fc.integer({ min: 1, max: 100 }), (all, limit) => {
      const { clock, counters } = open()
      counters.start()
      const expected = new Map<string, number>()
      const add = (key: string, times: number) =>
        expected.set(key, (expected.get(key) ?? 0) + times)
      for (const { device, counter, times, laterMs } of all) {
        clock.advance(Math.ceil(laterMs / ROLL_INTERVAL_MS) * ROLL_INTERVAL_MS)
        counters.count(`pump-${device}`, counter, times)
        const minuteMs = Math.floor(clock.now() / MINUTE_MS) * MINUTE_MS
        add(`${minuteMs} pump-${device} ${counter}`, times)
      }
      clock.advance(2 * MINUTE_MS)
      const found = new Map<string, number>()
      for (const [minuteMs, { devices }] of readAll(counters, limit)) {
        for (const { deviceId, counts } of devices) {
          for (const [counter, times] of Object.entries(counts)) {
            const key = `${minuteMs} ${deviceId} ${counter}`
            assert.ok(!found.has(key), `told twice: ${key}`)
            found.set(key, times)
          }
        }
      }
      const kept = [...readAll(counters).keys()][0] ?? 0
      for (const [key, times] of expected) {
        if (Number(key.split(' ')[0]) >= kept) assert.equal(found.get(key), times, key)
      }
      assert.ok([...found.keys()].every((key) => expected.has(key)))
    }),
  )
})

test('what is released is gone, and what nobody reads is dropped and marked', () => {
  const { clock, counters } = open()
  counters.start()
  for (let minute = 0; minute < MAX_KEPT_MINUTES + 5; minute++) {
    counters.count('pump-1', 'amqpD2C')
    clock.advance(MINUTE_MS)
  }
  const minutes = [...readAll(counters)]
  assert.equal(minutes.length, MAX_KEPT_MINUTES)
  assert.deepEqual(
    minutes.map(([, { isComplete }]) => isComplete),
    [false, ...Array(MAX_KEPT_MINUTES - 1).fill(true)],
  )
  const [, second] = minutes
  counters.release(second?.[0] ?? 0)
  assert.equal(readAll(counters).size, MAX_KEPT_MINUTES - 1)
})

test('more devices than are counted make the minute incomplete, not the table larger', () => {
  const { clock, counters } = open()
  counters.start()
  clock.advance(MINUTE_MS)
  for (let n = 0; n < MAX_COUNTED_DEVICES + 1; n++) counters.count(`pump-${n}`, 'connects')
  clock.advance(MINUTE_MS)
  const minute = readAll(counters, MAX_COUNTED_DEVICES).get(START_MS + MINUTE_MS)
  assert.equal(minute?.devices.length, MAX_COUNTED_DEVICES)
  assert.equal(minute?.isComplete, false)
})

test('nothing is counted before it is started or after it is ended', () => {
  const { clock, counters } = open()
  counters.count('pump-1', 'connects')
  const stop = counters.start()
  stop()
  counters.count('pump-1', 'connects')
  clock.advance(3 * MINUTE_MS)
  assert.equal(readAll(counters).size, 0)
})
