import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import {
  codeOf,
  desiredOf,
  entryOf,
  OWNER,
  put,
  startConfigurations,
} from '../../test/configurations.ts'

const A = 'properties.desired.a'

test('edge: one base deployment, layers above it; modules come with it and its settings go with it', async () => {
  const hub = await startConfigurations()
  await hub.identities.createDevice('edge', { iotEdge: true })
  await hub.identities.createDevice('leaf', {})
  const base = (name: string) => ({
    $edgeAgent: { 'properties.desired': { schemaVersion: '1.1', name } },
    app: { 'properties.desired': { level: name } },
  })
  const deployment = (modulesContent: JsonObject, priority: number) => ({
    content: { modulesContent },
    targetCondition: '*',
    priority,
  })
  await put(hub, 'under', deployment({ $edgeAgent: {}, app: { [A]: 'under' } }, 0))
  await put(hub, 'old', deployment(base('old'), 1))
  await put(hub, 'base', deployment(base('base'), 2))
  await put(hub, 'layer', deployment({ $edgeAgent: {}, app: { [A]: 'layer' } }, 3))
  assert.deepEqual(await desiredOf(hub, 'edge', '$edgeAgent'), {
    schemaVersion: '1.1',
    name: 'base',
  })
  const app = await entryOf(hub, 'edge', 'app')
  assert.deepEqual(app.twin.desired.values, { level: 'base', a: 'layer' })
  assert.equal(app.identity.managedBy, 'iotEdge')
  const { statuses } = await hub.configurations.statusOf({ deviceId: 'edge' })
  const words = Object.entries(statuses).map(([id, { status }]) => `${id} ${status}`)
  assert.deepEqual(words.sort(), [
    'base Applied',
    'layer Applied',
    'old Targeted',
    'under Targeted',
  ])
  assert.equal((await entryOf(hub, 'leaf')).configured, undefined)
  await hub.configurations.remove('layer', '*')
  await hub.configurations.remove('base', '*')
  await hub.configurations.engine.idle()
  assert.deepEqual(await desiredOf(hub, 'edge', 'app'), { level: 'old' })
  for (const id of ['old', 'under']) await hub.configurations.remove(id, '*')
  await hub.configurations.engine.idle()
  assert.deepEqual(await desiredOf(hub, 'edge', '$edgeAgent'), {})
  assert.equal((await entryOf(hub, 'edge', 'app')).configured, undefined)
  await hub.stop()
})

test('edge: applyConfigurationContent writes the modules of one edge device at once', async () => {
  const hub = await startConfigurations()
  await hub.identities.createDevice('edge', { iotEdge: true })
  await hub.identities.createDevice('leaf', {})
  const content = {
    modulesContent: { $edgeAgent: { 'properties.desired': { a: 1 } }, app: { [A]: { b: 2 } } },
  }
  const apply = (deviceId: string, body: JsonObject) =>
    codeOf(() => hub.edgeContent.apply(deviceId, body, OWNER))
  assert.equal(await apply('leaf', content), 'ArgumentInvalid')
  assert.equal(await apply('none', content), 'DeviceNotFound')
  assert.equal(await apply('edge', { deviceContent: {} }), 'InvalidConfigurationContent')
  await hub.twins.patch({ deviceId: 'edge', moduleId: '$edgeAgent' }, { desired: { old: 1 } })
  assert.equal(await apply('edge', content), undefined)
  assert.deepEqual(await desiredOf(hub, 'edge', '$edgeAgent'), { a: 1 })
  assert.deepEqual(await desiredOf(hub, 'edge', 'app'), { a: { b: 2 } })
  await hub.stop()
})
