import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sampleModule } from '../../test/samples.ts'
import type { PlatformModule } from '../platform.ts'
import { pickLogicalModule } from './logical.ts'

function module(moduleId: string, changes: Partial<PlatformModule> = {}): PlatformModule {
  const ref = { deviceId: 'pump-1', moduleId }
  return sampleModule({ ref, connected: false, lastActivityMs: 0, ...changes })
}

function picked(modules: readonly PlatformModule[], canonicalId?: string) {
  const forth = pickLogicalModule(modules, canonicalId)?.ref.moduleId
  const back = pickLogicalModule([...modules].reverse(), canonicalId)?.ref.moduleId
  assert.equal(forth, back, 'the order of the listing mattered')
  return forth
}

test('pickLogicalModule: only security modules count', () => {
  assert.equal(picked([]), undefined)
  assert.equal(picked([module('camera', { connected: true })]), undefined)
  assert.equal(picked([module('camera'), module('asc_security_module')]), 'asc_security_module')
  assert.equal(picked([module('guard')], 'guard'), 'guard')
})

test('pickLogicalModule: connected first, then the newest report, then the canonical id', () => {
  const old = module('azureiotsecurity', { reported: { x: 1 }, reportedUpdatedMs: 1_000 })
  const newer = module('DefenderIotMicroAgent', { reported: { x: 1 }, reportedUpdatedMs: 2_000 })
  const connected = module('Microsoft.Security', { connected: true })
  assert.equal(picked([old, newer, connected]), 'Microsoft.Security')
  assert.equal(picked([old, newer]), 'DefenderIotMicroAgent')
  const bare = module('azureiotsecurity')
  assert.equal(picked([bare, module('DefenderIotMicroAgent')]), 'azureiotsecurity')
})

test('pickLogicalModule: the birth of an empty section is no report', () => {
  const spoke = module('DefenderIotMicroAgent', { reported: { x: 1 }, reportedUpdatedMs: 1_000 })
  const born = module('azureiotsecurity', { reportedUpdatedMs: 9_000 })
  assert.equal(picked([spoke, born]), 'DefenderIotMicroAgent')
})
