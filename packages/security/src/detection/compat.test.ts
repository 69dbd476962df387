import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detectionWorld } from '../../test/detection-world.ts'
import { DEFAULT_GROUP_SETTINGS } from '../groups/group-settings.ts'
import { CATALOGUE, eraSeverity } from './catalogue.ts'

const MINER = 'xmrig -o 198.51.100.7:3333'
const TYPE = 'IoT_CryptoMiner'

async function severityOf(
  compat: 'legacy' | 'micro' | undefined,
  prepare: (world: Awaited<ReturnType<typeof detectionWorld>>) => unknown = () => {},
  command = MINER,
) {
  const world = await detectionWorld({ tags: { SecurityGroup: 'west' } })
  world.groups.settings = { ...DEFAULT_GROUP_SETTINGS, ...(compat && { compat }) }
  await prepare(world)
  await world.run(command)
  const [alert] = await world.alerts()
  await world.detection.close()
  return alert?.severity
}

test('compat: an alert has the severity that its era had, where that was another', async () => {
  assert.equal(await severityOf(undefined), 'High')
  assert.equal(await severityOf('micro'), 'High')
  assert.equal(await severityOf('legacy'), 'Medium')
})

test('compat: what is set for the group or the hub is stronger', async () => {
  const low = { severity: 'Low' } as const
  assert.equal(
    await severityOf('legacy', ({ detection }) => detection.settings.set(TYPE, low)),
    'Low',
  )
  const inGroup = await severityOf('legacy', ({ detection }) =>
    detection.settings.set(TYPE, low, 'west'),
  )
  assert.equal(inGroup, 'Low')
})

test('compat: what a rule says of one finding stays', async () => {
  const local = 'ssh -L 8080:127.0.0.1:80 127.0.0.1'
  assert.equal(
    await severityOf('legacy', undefined, local),
    await severityOf(undefined, undefined, local),
  )
})

test('catalogue: the published columns: two milder for legacy agents, the others the same or none', () => {
  const other = CATALOGUE.filter(({ alertType }) => eraSeverity(alertType, 'legacy') !== undefined)
  assert.deepEqual(
    other.map(({ number, alertType }) => [number, eraSeverity(alertType, 'legacy')]),
    [
      [9, 'Medium'],
      [10, 'Medium'],
    ],
  )
  assert.ok(CATALOGUE.every(({ alertType }) => eraSeverity(alertType, 'micro') === undefined))
  const missing = (era: 'legacy' | 'micro') =>
    CATALOGUE.filter((entry) => entry[era] === null).map(({ number }) => number)
  assert.deepEqual(missing('legacy'), [11, 12, 13, 14, 15, 16, 17, 39])
  assert.deepEqual(missing('micro'), [6, 40, 41, 43, 44, 45, 46, 47])
})
