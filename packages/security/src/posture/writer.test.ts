import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type JsonObject } from '@twinward/protocol'
import { FakeClock, settle } from '../../test/fake-clock.ts'
import { interceptPlatform } from '../../test/intercept-platform.ts'
import { MemoryPlatform } from '../adapters/memory/platform.ts'
import { silentLog } from '../log.ts'
import type { PostureSummary } from './summary.ts'
import {
  MAX_ATTEMPTS,
  MAX_CONCURRENT_WRITES,
  MAX_WAITING_MODULES,
  PostureWriter,
  RETRY_PAUSE_MS,
  WRITE_INTERVAL_MS,
} from './writer.ts'

const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }

function scored(score: number): PostureSummary {
  const empty = { alerts: {}, recommendations: {}, agent: {}, inventory: {}, config: {} }
  return { posture: { score }, ...empty }
}

/** One module, and a writer that sees the platform through `fault`. */
async function setUp(fault: () => void | Promise<void> = () => {}) {
  const clock = new FakeClock()
  const platform = new MemoryPlatform(clock)
  platform.addDevice(ref.deviceId)
  await platform.createModule(ref, { tags: { securityGroup: 'default', mine: { a: 1 } } })
  const patches: JsonObject[] = []
  const seen = interceptPlatform(platform, async (call, args) => {
    if (call !== 'patchTwin') return
    await fault()
    patches.push(args[1] as JsonObject)
  })
  const writer = new PostureWriter({ platform: seen, clock, log: silentLog })
  const score = async () => {
    const posture = (await platform.findModule(ref))?.tags.posture
    return (posture as JsonObject | undefined)?.score
  }
  return { clock, platform, writer, patches, score }
}

test('submit: writes the difference and leaves the tags of operators alone', async () => {
  const { clock, platform, writer, patches } = await setUp()
  await writer.submit(ref, scored(50))
  await clock.advance(WRITE_INTERVAL_MS)
  await writer.submit(ref, scored(60))
  await clock.advance(WRITE_INTERVAL_MS)
  assert.deepEqual(patches.at(-1), { tags: { posture: { score: 60 } } })
  assert.deepEqual((await platform.findModule(ref))?.tags, {
    securityGroup: 'default',
    mine: { a: 1 },
    ...scored(60),
  })
  assert.equal(writer.waiting, 0)
})

test('submit: what is in the twin already is not written again', async () => {
  const { clock, writer, patches } = await setUp()
  for (let n = 0; n < 3; n++) {
    await writer.submit(ref, scored(50))
    await clock.advance(WRITE_INTERVAL_MS)
  }
  assert.equal(patches.length, 1)
  assert.deepEqual([writer.counts.written, writer.counts.unchanged], [1, 2])
})

test('submit: a burst is two writes, one interval apart, and the last state wins', async () => {
  const { clock, writer, patches, score } = await setUp()
  await writer.submit(ref, scored(1))
  await settle()
  for (let n = 2; n <= 100; n++) await writer.submit(ref, scored(n))
  await clock.advance(WRITE_INTERVAL_MS - 1)
  assert.equal(await score(), 1)
  await clock.advance(1)
  assert.equal(await score(), 100)
  assert.equal(patches.length, 2)
})

test('submit: a state that comes during a write is written after it', async () => {
  let release = () => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const { clock, writer, score } = await setUp(() => gate)
  await writer.submit(ref, scored(1))
  await settle()
  await writer.submit(ref, scored(2))
  release()
  await clock.advance(WRITE_INTERVAL_MS)
  assert.equal(await score(), 2)
})

test('submit: a failed write is tried again after a pause, with the newest state', async () => {
  let isDown = true
  const { clock, writer, score } = await setUp(() => {
    if (isDown) throw new HubError('ServiceUnavailable', 'Not now.')
  })
  await writer.submit(ref, scored(1))
  await settle()
  await writer.submit(ref, scored(2))
  isDown = false
  await clock.advance(RETRY_PAUSE_MS - 1)
  assert.equal(await score(), undefined)
  await clock.advance(1)
  assert.equal(await score(), 2)
  assert.equal(writer.counts.retried, 1)
})

test('submit: a platform that stays down is given up, counted, and taken up by the next state', async () => {
  let isDown = true
  const { clock, writer, score } = await setUp(() => {
    if (isDown) throw new Error('no platform')
  })
  await writer.submit(ref, scored(1))
  await clock.advance(RETRY_PAUSE_MS * MAX_ATTEMPTS)
  assert.deepEqual([writer.counts.givenUp, writer.waiting], [1, 0])
  isDown = false
  await writer.submit(ref, scored(2))
  await settle()
  assert.equal(await score(), 2)
  await writer.close()
})

test('submit: a refusal is not tried again', async () => {
  const { clock, writer } = await setUp(() => {
    throw new HubError('ArgumentInvalid', 'Too large.')
  })
  await writer.submit(ref, scored(1))
  await clock.advance(WRITE_INTERVAL_MS)
  assert.deepEqual(writer.counts, { written: 0, unchanged: 0, retried: 0, givenUp: 1 })
  assert.equal(writer.waiting, 0)
})

test('submit: a module that went away is forgotten', async () => {
  const { platform, writer } = await setUp()
  platform.removeDevice(ref.deviceId)
  await writer.submit(ref, scored(1))
  await settle()
  assert.deepEqual([writer.waiting, writer.counts.givenUp], [0, 0])
})

test('submit: only so many writes at once, only so many modules queued', async () => {
  const clock = new FakeClock()
  let running = 0
  let most = 0
  const releases: (() => void)[] = []
  const slow = interceptPlatform(new MemoryPlatform(clock), async () => {
    most = Math.max(most, ++running)
    await new Promise<void>((resolve) => releases.push(resolve))
    running--
  })
  const writer = new PostureWriter({ platform: slow, clock, log: silentLog })
  for (let n = 0; n < MAX_WAITING_MODULES; n++) {
    await writer.submit({ ...ref, deviceId: `d${n}` }, scored(n))
  }
  let isTaken = false
  const late = writer.submit(ref, scored(1)).then(() => {
    isTaken = true
  })
  await settle()
  assert.deepEqual([running, writer.waiting, isTaken], [MAX_CONCURRENT_WRITES, 10_000, false])
  while (writer.waiting > 0) {
    for (const release of releases.splice(0)) release()
    await settle()
    if (isTaken && writer.waiting > 0 && releases.length === 0) break
  }
  await late
  assert.equal(most, MAX_CONCURRENT_WRITES)
  assert.equal(writer.waiting, 0)
})

test('close: writes what waits without its pauses, then takes nothing more', async () => {
  const { writer, score, patches } = await setUp()
  await writer.submit(ref, scored(1))
  await settle()
  await writer.submit(ref, scored(2))
  await writer.close()
  assert.equal(await score(), 2)
  await writer.submit(ref, scored(3))
  await settle()
  assert.equal(patches.length, 2)
})
