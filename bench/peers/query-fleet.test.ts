import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fleetRows, metadataJson } from './query-fleet.ts'

test('a module twin weighs about a kilobyte and every property has its metadata', () => {
  const [device, module] = fleetRows(4_711)
  const { tags, desired, reported } = module.twin
  const bytes = JSON.stringify([tags, desired.values, reported.values]).length
  assert.ok(bytes > 700 && bytes < 1_300, `${bytes} bytes`)
  assert.deepEqual(device.twin.tags, {})
  const metadata = metadataJson(reported) as Record<string, Record<string, object>>
  assert.deepEqual(Object.keys(metadata.firewall ?? {}), [
    '$lastUpdated',
    '$lastUpdatedVersion',
    'enabled',
    'rules',
  ])
})

test('one site is 1 % of the fleet and one group 10 %', () => {
  const modules = Array.from({ length: 1_000 }, (_, index) => fleetRows(index)[1].twin.tags)
  assert.equal(modules.filter(({ site }) => site === 'site-42').length, 10)
  assert.equal(modules.filter(({ securityGroup }) => securityGroup === 'group-3').length, 100)
})
