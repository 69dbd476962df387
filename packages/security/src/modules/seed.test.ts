import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LEGACY_CONFIGURATION_KEY, readConfiguration } from '@twinward/protocol'
import { securityModuleSeed } from './seed.ts'

test('securityModuleSeed: the default module has its group and the 25 published settings', () => {
  const { moduleId, tags, desired } = securityModuleSeed('azureiotsecurity')
  assert.equal(moduleId, 'azureiotsecurity')
  assert.deepEqual(tags, { securityGroup: 'default' })
  assert.deepEqual(Object.keys(desired), [LEGACY_CONFIGURATION_KEY])
  const reading = readConfiguration(desired, 'legacy')
  assert.equal(Object.keys(reading.settings).length, 25)
  assert.deepEqual(reading.misshapen, [])
})

test('securityModuleSeed: the id, the key and the group may be those of a fleet', () => {
  const options = { keys: { legacy: 'fleet' }, securityGroup: 'pumps' }
  const seed = securityModuleSeed('guard', options)
  assert.equal(seed.moduleId, 'guard')
  assert.deepEqual(Object.keys(seed.desired), ['fleet'])
  assert.deepEqual(seed.tags, { securityGroup: 'pumps' })
})

test('securityModuleSeed: agents that know no configuration object start from an empty twin', () => {
  for (const id of ['DefenderIotMicroAgent', 'defender-iot-micro-agent', 'Microsoft.Security']) {
    assert.deepEqual(securityModuleSeed(id).desired, {}, id)
  }
})
