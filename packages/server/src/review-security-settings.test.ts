import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DesiredChange, silentLog, type WriteAuthor } from '@twinward/hub'
import { type JsonObject, LEGACY_CONFIGURATION_KEY } from '@twinward/protocol'
import { readConfig } from './config/read-config.ts'
import { reviewSecuritySettings } from './review-security-settings.ts'

const agent = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
const owner: WriteAuthor = { name: 'iothubowner', rights: ['ServiceConnect', 'RegistryWrite'] }
const service: WriteAuthor = { name: 'service', rights: ['ServiceConnect'] }

function review(flags: object = {}, log = silentLog) {
  return reviewSecuritySettings(readConfig({ ...flags }, {}).settings, log)
}

function change(author: WriteAuthor | undefined, object: JsonObject, key: string): DesiredChange {
  const desired = { [key]: object }
  return { written: desired, before: {}, after: desired, author }
}

const path = { baselineCustomChecksFilePath: { value: '/opt/checks.xml' } }

test('privileged settings need RegistryWrite, whoever forgets to say who writes', () => {
  const { check } = review()
  const write = (author?: WriteAuthor) =>
    check(agent, change(author, path, LEGACY_CONFIGURATION_KEY))
  assert.deepEqual(write(owner), ['baselineCustomChecksFilePath'])
  for (const author of [service, undefined]) {
    assert.throws(() => write(author), { code: 'GenericForbidden' })
  }
  const harmless = { snapshotFrequency: { value: 'PT1H' } }
  assert.deepEqual(check(agent, change(service, harmless, LEGACY_CONFIGURATION_KEY)), [])
})

test('what is a privileged setting of an agent is nothing special elsewhere', () => {
  const { check, told } = review()
  const written = change(undefined, path, LEGACY_CONFIGURATION_KEY)
  for (const ref of [{ deviceId: 'pump-1' }, { ...agent, moduleId: 'camera' }]) {
    assert.deepEqual(check(ref, written), [])
    assert.deepEqual(told(ref, { a: 1 }, { [LEGACY_CONFIGURATION_KEY]: path, a: 1 }), { a: 1 })
  }
})

test('the keys of a fleet are looked at too', () => {
  const { check } = review({ legacyConfigurationKey: 'fleet:agent' })
  assert.throws(() => check(agent, change(service, path, 'fleet:agent')), {
    code: 'GenericForbidden',
  })
  const command = { baselineCustomChecksFileHash: { value: '$(reboot)' } }
  assert.throws(() => check(agent, change(owner, command, 'fleet:agent')), {
    code: 'ArgumentInvalid',
  })
  assert.throws(() => readConfig({ legacyConfigurationKey: 'a.b' }, {}), /legacyConfigurationKey/)
})

test('an audit line names device, author and settings, and no values', () => {
  const lines: unknown[] = []
  const log = { ...silentLog, info: (fields: object) => lines.push(fields) }
  review({}, log).accepted(agent, ['baselineCustomChecksFilePath'], owner)
  assert.deepEqual(lines, [
    { ...agent, by: 'iothubowner', names: ['baselineCustomChecksFilePath'] },
  ])
})
