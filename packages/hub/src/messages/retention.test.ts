import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECURITY_INTERFACE_ID } from '@twinward/protocol'
import { TestClock } from '../../test/clock.ts'
import { message } from '../../test/contracts/event-log.ts'
import { makeHub } from '../../test/hub.ts'
import { MemoryEventLog } from '../adapters/memory/event-log.ts'
import { type Log, silentLog } from '../log.ts'
import type { Credential } from '../registry/authenticator.ts'
import { partitionOf } from './partition.ts'
import { Retention } from './retention.ts'

const HOUR_MS = 3600_000
const CREDENTIAL = { authMethod: '{}', generationId: '1' } as Credential

test('events go after their time, security messages stay', async () => {
  const { clock, eventLog, retention } = makeWorld({ retentionMs: 2 * HOUR_MS })
  retention.start()
  await eventLog.append('telemetry', 0, message({ enqueuedTimeMs: clock.now() }))
  await eventLog.append('security', 0, message({ enqueuedTimeMs: clock.now() }))
  clock.advance(2 * HOUR_MS)
  await settled()
  assert.equal((await eventLog.state('telemetry', 0)).isEmpty, false, 'not a moment too early')
  clock.advance(5 * 60_000)
  await settled()
  assert.equal((await eventLog.state('telemetry', 0)).isEmpty, true)
  assert.equal((await eventLog.state('security', 0)).isEmpty, false)
  assert.equal(retention.droppedCount, 0, 'its time had come')
})

test('beyond the size the oldest go within a second, counted, and the log says so once a minute', async () => {
  const warnings: object[] = []
  const log = { ...silentLog, warn: (fields: object) => void warnings.push(fields) }
  const { clock, eventLog, retention } = makeWorld({ maxBytes: 25_000 }, log)
  retention.start()
  const append = async (from: number, to: number) => {
    for (let n = from; n <= to; n++) {
      const parts = { body: new Uint8Array(10_000), enqueuedTimeMs: clock.now() + n }
      await eventLog.append('telemetry', n % 2, message(parts))
    }
    clock.advance(1000)
    await settled()
    clock.advance(1000)
  }
  await append(1, 5)
  assert.ok(eventLog.size('telemetry') <= 25_000)
  assert.equal(retention.droppedCount, 3)
  assert.deepEqual(warnings, [{ events: 3 }])
  await append(6, 7)
  assert.equal(retention.droppedCount, 5)
  assert.equal(warnings.length, 1)
  clock.advance(60_000)
  assert.deepEqual(warnings[1], { events: 2 })
  clock.advance(120_000)
  assert.equal(warnings.length, 2)
})

test('a failure is logged, and the next time it is tried again', async () => {
  const errors: string[] = []
  const log = { ...silentLog, error: (_fields: object, text: string) => void errors.push(text) }
  const { clock, eventLog, retention } = makeWorld({ maxBytes: 1 }, log)
  retention.start()
  await eventLog.append('telemetry', 0, message())
  const { shrink } = eventLog
  eventLog.shrink = () => Promise.reject(new Error('busy'))
  clock.advance(1000)
  await settled()
  assert.deepEqual(errors, ['events could not be removed'])
  eventLog.shrink = shrink
  clock.advance(1000)
  await settled()
  assert.equal(eventLog.size('telemetry'), 0)
})

test('security messages are refused while too many wait, and taken again once there is room', async () => {
  const eventLog = new MemoryEventLog()
  const hub = makeHub({ eventLog, maxSecurityBacklogBytes: 25_000 })
  const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
  const system = { interfaceId: SECURITY_INTERFACE_ID }
  const security = { ref, system, application: {}, body: Buffer.alloc(10_000) }
  const telemetry = { ...security, system: {} }
  for (let n = 0; n < 3; n++) await hub.telemetry.accept(security, CREDENTIAL)
  assert.equal(hub.telemetry.isSecurityBacklogFull, true)
  const refusal = { code: 'ServiceUnavailable' }
  await assert.rejects(hub.telemetry.accept(security, CREDENTIAL), refusal)
  await assert.rejects(hub.telemetry.acceptBatch([telemetry, security], CREDENTIAL), refusal)
  assert.equal(hub.telemetry.refusedSecurityMessages, 2)
  await hub.telemetry.accept(telemetry, CREDENTIAL)
  const state = await eventLog.state('telemetry', partitionOf('pump-1'))
  assert.equal(state.lastSequence, 1, 'of the refused batch nothing is stored')
  await eventLog.trim('security', 0, 1)
  assert.equal(hub.telemetry.isSecurityBacklogFull, false)
  await hub.telemetry.accept(security, CREDENTIAL)
})

function makeWorld(options: ConstructorParameters<typeof Retention>[1], log: Log = silentLog) {
  const clock = new TestClock()
  const eventLog = new MemoryEventLog()
  return { clock, eventLog, retention: new Retention({ eventLog, clock, log }, options) }
}

/** What the clock has set off is done: everything is in memory. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
