import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, SECURITY_INTERFACE_ID } from '@twinward/protocol'
import { silentLog } from '../log.ts'
import {
  MAX_LOGGED_REFUSALS,
  Permissions,
  REFUSAL_LOG_WINDOW_MS,
  type SecurityModuleRules,
  type Use,
} from './permissions.ts'

const USES: readonly Use[] = ['telemetry', 'cloud-messages', 'methods', 'inputs']
const marked = { system: { interfaceId: SECURITY_INTERFACE_ID.toUpperCase() } }
const plain = { system: {} }

function open(rules: Partial<SecurityModuleRules> = {}) {
  let nowMs = 0
  const lines: object[] = []
  const log = { ...silentLog, warn: (fields: object) => void lines.push(fields) }
  const permissions = new Permissions(
    { clock: { now: () => nowMs }, log },
    { access: 'restricted', securityModuleId: 'guard', ...rules },
  )
  return { permissions, lines, pass: (ms: number) => (nowMs += ms) }
}

const isRefused = (error: unknown) =>
  error instanceof HubError && error.code === 'IotHubUnauthorizedAccess'

test('a security module, whatever its era calls it, may do nothing but send security messages', () => {
  const { permissions } = open()
  const ids = ['azureiotsecurity', 'DefenderIotMicroAgent', 'defender-iot-micro-agent', 'guard']
  for (const moduleId of ids) {
    const ref = { deviceId: 'pump-1', moduleId }
    for (const use of USES) assert.throws(() => permissions.check(ref, use), isRefused, use)
    permissions.checkMessages(ref, [marked, marked])
    assert.throws(() => permissions.checkMessages(ref, [marked, plain]), isRefused)
  }
  assert.equal(permissions.refusedCount, ids.length * (USES.length + 1))
})

test('devices and other modules are not restricted, nor is a module of almost that name', () => {
  const { permissions, lines } = open()
  for (const ref of [
    { deviceId: 'azureiotsecurity' },
    { deviceId: 'pump-1', moduleId: 'app' },
    { deviceId: 'pump-1', moduleId: 'AzureIoTSecurity' },
  ]) {
    for (const use of USES) assert.equal(permissions.allows(ref, use), true)
    permissions.checkMessages(ref, [plain])
  }
  assert.deepEqual(lines, [])
})

test('with access full a security module is a module like any other', () => {
  const { permissions } = open({ access: 'full' })
  const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
  for (const use of USES) permissions.check(ref, use)
  permissions.checkMessages(ref, [plain])
  assert.equal(permissions.refusedCount, 0)
})

test('refusals are logged so often in a minute, then counted; the next minute says how many', () => {
  const { permissions, lines, pass } = open()
  const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
  for (let n = 0; n < MAX_LOGGED_REFUSALS + 3; n++) permissions.allows(ref, 'methods')
  assert.equal(lines.length, MAX_LOGGED_REFUSALS)
  const line = { audit: 'security-module-refused', ref: 'pump-1/azureiotsecurity', use: 'methods' }
  assert.deepEqual(lines[0], line)
  pass(REFUSAL_LOG_WINDOW_MS)
  permissions.allows(ref, 'methods')
  assert.deepEqual(lines.slice(MAX_LOGGED_REFUSALS), [{ unlogged: 3 }, line])
  assert.equal(permissions.refusedCount, MAX_LOGGED_REFUSALS + 4)
})
