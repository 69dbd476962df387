import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EARLY_CONFIGURATION_KEY, type Era, LEGACY_CONFIGURATION_KEY } from '@twinward/protocol'
import { fleetConfiguration } from './fleet-configuration.ts'

test('each era has its shape, each setting a path of its own', () => {
  const settings = { snapshotFrequency: 'PT1H', eventPriorityLogin: 'High' }
  const legacy = fleetConfiguration({ settings, era: 'legacy', moduleId: 'azureiotsecurity' })
  const path = `properties.desired.${LEGACY_CONFIGURATION_KEY}`
  assert.deepEqual(legacy.content.moduleContent, {
    [`${path}.snapshotFrequency.value`]: 'PT1H',
    [`${path}.eventPriorityLogin.value`]: 'High',
  })
  assert.equal(
    legacy.targetCondition,
    "FROM devices.modules WHERE moduleId = 'azureiotsecurity' AND tags.posture.era = 'legacy'",
  )
  const early = fleetConfiguration({ settings, era: 'early', moduleId: 'azureiotsecurity' })
  assert.deepEqual(early.content.moduleContent, {
    [`properties.desired.${EARLY_CONFIGURATION_KEY}.snapshotFrequency`]: 'PT1H',
    [`properties.desired.${EARLY_CONFIGURATION_KEY}.eventPriorityLogin`]: 'High',
  })
  const micro = fleetConfiguration({
    settings: { Process_Mode: 2 },
    era: 'micro',
    moduleId: 'DefenderIotMicroAgent',
  })
  assert.deepEqual(micro.content.moduleContent, { 'properties.desired.Process_Mode': 2 })
})

test('a group and a condition narrow the target', () => {
  const { targetCondition } = fleetConfiguration({
    settings: { snapshotFrequency: 'PT1H' },
    era: 'legacy',
    moduleId: 'azureiotsecurity',
    group: "green'house",
    where: 'tags.posture.openAlerts.high > 0',
  })
  assert.equal(
    targetCondition,
    "FROM devices.modules WHERE moduleId = 'azureiotsecurity' AND " +
      "tags.posture.era = 'legacy' AND tags.posture.group = 'green\\'house' AND (tags.posture.openAlerts.high > 0)",
  )
})

test('modules are called as the hub or the agents of the era call theirs; strangers are refused', () => {
  const settings = { snapshotFrequency: 'PT1H' }
  const idOf = (era: Era, securityModuleId?: string) => {
    const given = era === 'micro' ? { Process_Mode: 2 } : settings
    const naming = securityModuleId === undefined ? {} : { securityModuleId }
    const { targetCondition } = fleetConfiguration({ settings: given, era }, naming)
    return /moduleId = '(.+?)'/.exec(targetCondition)?.[1]
  }
  assert.deepEqual(
    [idOf('legacy'), idOf('early'), idOf('micro')],
    ['azureiotsecurity', 'azureiotsecurity', 'DefenderIotMicroAgent'],
  )
  assert.deepEqual(
    [idOf('legacy', 'guard'), idOf('micro', 'guard')],
    ['guard', 'DefenderIotMicroAgent'],
  )
  assert.equal(idOf('legacy', 'DefenderIotMicroAgent'), 'azureiotsecurity')
  const of = (moduleId: string) => () => fleetConfiguration({ settings, era: 'legacy', moduleId })
  assert.throws(of('thermostat'), /'thermostat' is no security module/)
  assert.throws(of('DefenderIotMicroAgent'), /of the era micro, not legacy/)
})

test('every mistake is listed; an era without configuration is refused', () => {
  const settings = { snapshotFrequenzy: 'PT1H', eventPriorityLogin: 'Loud' }
  const of = { era: 'legacy', moduleId: 'azureiotsecurity' } as const
  assert.throws(() => fleetConfiguration({ ...of, settings }), /snapshotFrequenzy.*eventPriority/)
  assert.throws(() => fleetConfiguration({ ...of, settings: {} }), /nothing/)
  const rtos = { ...of, era: 'rtos', settings: { a: 1 } } as const
  assert.throws(() => fleetConfiguration(rtos), /read no configuration/)
})
