import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type HubErrorCode } from '@twinward/protocol'
import { makeHub, makeToken } from '../../test/hub.ts'
import { silentLog } from '../log.ts'
import { MAX_READS, ModuleKeys, READ_WINDOW_MS } from './module-keys.ts'

const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }

async function open(rules = { isEnabled: true, securityModuleId: 'azureiotsecurity' }) {
  let nowMs = Date.now()
  const clock = { now: () => nowMs, sleep: async () => {}, every: () => () => {} }
  const lines: object[] = []
  const log = { ...silentLog, info: (fields: object) => void lines.push(fields) }
  const hub = makeHub({ clock })
  await hub.keyOf(ref)
  const key = await hub.keyOf({ deviceId: 'pump-1' })
  const proof = { token: makeToken(key, { deviceId: 'pump-1' }, { resource: 'localhost' }) }
  const { identities, authenticator } = hub
  const keys = new ModuleKeys({ identities, authenticator, clock, log }, rules)
  return { hub, keys, proof, lines, pass: (ms: number) => (nowMs += ms) }
}

function isRefused(code: HubErrorCode) {
  return (error: unknown) => error instanceof HubError && error.code === code
}

test('read: the device’s own security module with its key, one line in the log for each', async () => {
  const { keys, proof, lines } = await open()
  const { identity } = await keys.read(ref, proof)
  assert.equal(identity.authentication.type, 'sas')
  assert.equal(keys.count, 1)
  const line = { audit: 'module-key-read', ref: 'pump-1/azureiotsecurity', by: 'sas' }
  assert.deepEqual(lines, [line], 'and nothing of the key')
})

test('read: no other module, no other device, not with the module’s own key', async () => {
  const { hub, keys, proof, lines } = await open()
  const other = { deviceId: 'pump-1', moduleId: 'app' }
  await hub.keyOf(other)
  const reads = [
    [other, proof, 'IotHubUnauthorizedAccess'],
    [{ ...ref, moduleId: 'AzureIoTSecurity' }, proof, 'IotHubUnauthorizedAccess'],
    [{ ...ref, deviceId: 'pump-2' }, proof, 'IotHubUnauthorized'],
    [ref, { token: makeToken(await hub.keyOf(ref), ref) }, 'IotHubUnauthorized'],
    [ref, { token: '' }, 'IotHubUnauthorized'],
    [{ ...ref, moduleId: 'DefenderIotMicroAgent' }, proof, 'ModuleNotFound'],
  ] as const
  for (const [wanted, shown, code] of reads) {
    await assert.rejects(keys.read(wanted, shown), isRefused(code), wanted.moduleId)
  }
  assert.equal(keys.count, 0)
  assert.deepEqual(lines, [])
})

test(`read: ${MAX_READS} times a minute and device; strangers use nothing of it up`, async () => {
  const { keys, proof, pass } = await open()
  for (let attempt = 0; attempt < 2 * MAX_READS; attempt++) {
    const wrong = { token: proof.token.replace(/sig=..../, 'sig=AAAA') }
    await assert.rejects(keys.read(ref, wrong), isRefused('IotHubUnauthorized'))
  }
  for (let read = 0; read < MAX_READS; read++) await keys.read(ref, proof)
  await assert.rejects(keys.read(ref, proof), isRefused('ThrottlingException'))
  pass(READ_WINDOW_MS)
  await keys.read(ref, proof)
})

test('read: refused to everybody when it is switched off', async () => {
  const { keys, proof } = await open({ isEnabled: false, securityModuleId: 'azureiotsecurity' })
  await assert.rejects(keys.read(ref, proof), isRefused('IotHubUnauthorizedAccess'))
})

test('read: a hub’s own id for its security modules counts too', async () => {
  const { hub, keys, proof } = await open({ isEnabled: true, securityModuleId: 'guard' })
  await hub.keyOf({ deviceId: 'pump-1', moduleId: 'guard' })
  await keys.read({ deviceId: 'pump-1', moduleId: 'guard' }, proof)
})
