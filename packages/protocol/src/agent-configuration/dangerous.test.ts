import assert from 'node:assert/strict'
import { test } from 'node:test'
import { completePatch, dangerousValues, ownKeys, privilegedChanges } from './dangerous.ts'
import { EARLY_CONFIGURATION_KEY, LEGACY_CONFIGURATION_KEY } from './eras.ts'

const path = 'baselineCustomChecksFilePath'

test('dangerousValues: finds a command in a raw patch, wrapped or plain, and nothing else', () => {
  for (const value of [{ value: '/x;id' }, '/x;id', { value: ['/x'] }, {}]) {
    const found = dangerousValues({ [LEGACY_CONFIGURATION_KEY]: { [path]: value } })
    assert.deepEqual(
      found.map(({ name }) => name),
      [path],
      JSON.stringify(value),
    )
  }
  assert.equal(dangerousValues({ own: { [path]: { value: '$(id)' } } }, ['own']).length, 1)
  for (const harmless of [{ [path]: null }, { [path]: { value: '/ok.xml' } }, {}]) {
    assert.deepEqual(dangerousValues({ [LEGACY_CONFIGURATION_KEY]: harmless }), [])
  }
  assert.deepEqual(dangerousValues({ temperature: 20 }), [])
})

test('privilegedChanges: names what differs, under any key, however it is wrapped', () => {
  const before = { [LEGACY_CONFIGURATION_KEY]: { [path]: { value: '/a.xml' } } }
  assert.deepEqual(privilegedChanges(before, before), [])
  const plain = { [LEGACY_CONFIGURATION_KEY]: { [path]: '/a.xml' } }
  assert.deepEqual(privilegedChanges(before, plain), [])
  assert.deepEqual(privilegedChanges(before, {}), [path])
  assert.deepEqual(privilegedChanges({}, before), [path])
  const enabled = { baselineCustomChecksEnabled: { value: true } }
  const name = ['baselineCustomChecksEnabled']
  assert.deepEqual(privilegedChanges({}, { [EARLY_CONFIGURATION_KEY]: enabled }), name)
  assert.deepEqual(privilegedChanges({}, { fleet: enabled }), [])
  assert.deepEqual(privilegedChanges({}, { fleet: enabled }, ownKeys({ legacy: 'fleet' })), name)
  const other = { [LEGACY_CONFIGURATION_KEY]: { snapshotFrequency: { value: 'PT1H' } } }
  assert.deepEqual(privilegedChanges({}, other), [])
})

test('completePatch: a legacy agent is told its whole configuration, and what went', () => {
  const whole = { snapshotFrequency: { value: 'PT1H' }, eventPriorityLogin: { value: 'Off' } }
  const patch = {
    [LEGACY_CONFIGURATION_KEY]: { eventPriorityLogin: { value: 'Off' }, hubResourceId: null },
    other: 1,
  }
  const after = { [LEGACY_CONFIGURATION_KEY]: whole, other: 1, more: 2 }
  assert.deepEqual(completePatch(patch, after), {
    [LEGACY_CONFIGURATION_KEY]: { ...whole, hubResourceId: null },
    other: 1,
  })
  const gone = { [LEGACY_CONFIGURATION_KEY]: null }
  assert.equal(completePatch(gone, {}), gone)
  const untouched = { other: 1 }
  assert.equal(completePatch(untouched, after), untouched)
})
