import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MODULE_POLICIES } from '@twinward/security'
import { readConfig } from './config/read-config.ts'
import { securityCompanions } from './open-security.ts'

const device = { deviceId: 'pump-1', isEnrolled: false, moduleIds: [] }

function companions(policy: string) {
  const environment = { TWINWARD_SECURITY_MODULE_POLICY: policy }
  return securityCompanions(readConfig({}, environment).settings)
}

test('securityCompanions: who gets a security module at birth is what the policy says', () => {
  const given = MODULE_POLICIES.map((policy) => [
    companions(policy)(device).length,
    companions(policy)({ ...device, isEnrolled: true }).length,
  ])
  assert.deepEqual(given, [
    [1, 1],
    [0, 1],
    [0, 0],
  ])
})

test('securityCompanions: none beside one of any era that the device is created with', () => {
  const of = companions('automatic')
  for (const moduleId of ['DefenderIotMicroAgent', 'Microsoft.Security', 'azureiotsecurity']) {
    assert.deepEqual(of({ ...device, moduleIds: ['camera', moduleId] }), [])
  }
  assert.equal(of({ ...device, moduleIds: ['camera', 'AzureIoTSecurity'] }).length, 1)
})
