import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { moduleService, newWorld } from '../../test/module-world.ts'
import { sampleAlert } from '../../test/samples.ts'
import { MemoryPostureHistoryStore } from '../adapters/memory/posture-history-store.ts'
import { Scores } from './scores.ts'

const DAY_MS = 24 * 3_600_000
const MODULE_ID = 'azureiotsecurity'

class CountingStore extends MemoryPostureHistoryStore {
  writes = 0

  override async record(...given: Parameters<MemoryPostureHistoryStore['record']>) {
    this.writes++
    return super.record(...given)
  }
}

/** @param devices  their tags by id */
async function setUp(devices: { readonly [deviceId: string]: JsonObject }) {
  const world = newWorld()
  const history = new CountingStore()
  const scores = new Scores({ ...world, history })
  const { postures } = moduleService(world)
  for (const [deviceId, tags] of Object.entries(devices)) {
    world.platform.addDevice(deviceId, tags)
    await world.platform.createModule({ deviceId, moduleId: MODULE_ID }, {})
  }
  const note = async (deviceId: string) => scores.note(deviceId, await postures.compute(deviceId))
  return { ...world, history, scores, note }
}

test('scores: devices count by their criticality, in their group and in the fleet', async () => {
  const { findings, scores, note } = await setUp({
    a: { deviceCriticality: 'Important', securityGroup: 'Cellar' },
    b: {},
  })
  await findings.commit({ alerts: [sampleAlert({ deviceId: 'a' })] })
  await note('a')
  await note('b')
  const [a, b] = [await scores.find('a'), await scores.find('b')]
  assert.ok(a && b)
  assert.deepEqual([a.group, a.weight, a.worst], ['cellar', 3, 'High'])
  assert.deepEqual([b.group, b.weight, b.worst], ['default', 1, 'none'])
  const { score, ...counts } = await scores.totals()
  assert.equal(score, (3 * a.score + b.score) / 4)
  assert.deepEqual(counts, { devices: 2, high: 1, medium: 0, low: 0 })
  assert.equal((await scores.totals('cellar')).score, a.score)
})

test('scores: what did not change is not written; who retires or goes counts no more', async () => {
  const { platform, history, scores, note, clock } = await setUp({ a: {}, b: {} })
  for (const deviceId of ['a', 'b', 'a']) await note(deviceId)
  assert.equal(history.writes, 2)
  await clock.advance(DAY_MS)
  await note('a')
  assert.equal(history.writes, 2)
  const tags = { securityState: 'retired' }
  await platform.patchTwin({ deviceId: 'a', moduleId: MODULE_ID }, { tags })
  await note('a')
  assert.equal((await scores.totals()).devices, 1)
  await scores.forget('b')
  await scores.forget('b')
  assert.deepEqual((await scores.totals()).score, null)
  await scores.note('x', undefined)
})

test('scores: history has every day since something was known, today included', async () => {
  const { findings, scores, note, clock } = await setUp({ a: {} })
  await note('a')
  await clock.advance(2 * DAY_MS)
  await findings.commit({ alerts: [sampleAlert({ deviceId: 'a', endTimeMs: clock.now() })] })
  await note('a')
  await clock.advance(DAY_MS)
  const days = await scores.deviceHistory('a', 30)
  assert.deepEqual(
    days.map(({ date }) => date),
    ['2024-01-01', '2024-01-02', '2024-01-03', '2024-01-04'],
  )
  const [first, second, third, fourth] = days.map(({ score }) => score ?? -1)
  assert.ok(first === second && third === fourth && Number(third) < Number(first))
  const fleet = await scores.history(undefined, 2)
  assert.deepEqual(
    fleet.map(({ date, score, devices, high }) => [date, score, devices, high]),
    [
      ['2024-01-03', third, 1, 1],
      ['2024-01-04', third, 1, 1],
    ],
  )
})
