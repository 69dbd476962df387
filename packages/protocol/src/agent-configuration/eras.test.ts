import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  EARLY_CONFIGURATION_KEY,
  eraOf,
  isSecurityModuleId,
  LEGACY_CONFIGURATION_KEY,
} from './eras.ts'

test('eraOf: every module id that agents bring along has its era', () => {
  assert.equal(eraOf('azureiotsecurity'), 'legacy')
  assert.equal(eraOf('DefenderIotMicroAgent'), 'micro')
  assert.equal(eraOf('defender-iot-micro-agent'), 'rtos')
  assert.equal(eraOf('asc_security_module'), 'rtos')
  assert.equal(eraOf('Microsoft.Security'), 'preview')
  assert.equal(eraOf('an-id-of-our-own'), 'legacy')
})

test('eraOf: early and legacy share an id, so the twin decides, reported before desired', () => {
  const early = { [EARLY_CONFIGURATION_KEY]: {} }
  const legacy = { [LEGACY_CONFIGURATION_KEY]: {} }
  assert.equal(eraOf('azureiotsecurity', { desired: early }), 'early')
  assert.equal(eraOf('azureiotsecurity', { desired: legacy, reported: early }), 'early')
  assert.equal(eraOf('azureiotsecurity', { desired: early, reported: legacy }), 'legacy')
  assert.equal(eraOf('DefenderIotMicroAgent', { desired: early }), 'micro')
})

test('isSecurityModuleId: case matters, and the id of this hub counts', () => {
  assert.equal(isSecurityModuleId('azureiotsecurity'), true)
  assert.equal(isSecurityModuleId('AzureIoTSecurity'), false)
  assert.equal(isSecurityModuleId('twin-guard'), false)
  assert.equal(isSecurityModuleId('twin-guard', 'twin-guard'), true)
})
