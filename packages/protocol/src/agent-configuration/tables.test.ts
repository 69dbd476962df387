import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Era } from './eras.ts'
import { legacySettings } from './legacy-settings.ts'
import { microSettings } from './micro-settings.ts'
import { defaultSettings, settingsOf, suggestSetting } from './tables.ts'
import { checkValue } from './value.ts'

const ERAS: readonly Era[] = ['preview', 'early', 'legacy', 'micro', 'rtos']

test('settings: 30 of the legacy agents, 43 of the micro agent, each name once', () => {
  assert.equal(new Set(legacySettings.map(({ name }) => name)).size, 30)
  assert.equal(new Set(microSettings.map(({ name }) => name)).size, 43)
})

test('settings: those of the custom checks, which run as root, are privileged, no others', () => {
  const privileged = [...legacySettings, ...microSettings].filter((one) => one.privileged)
  assert.deepEqual(
    privileged.map(({ name }) => name),
    ['baselineCustomChecksEnabled', 'baselineCustomChecksFilePath', 'baselineCustomChecksFileHash'],
  )
})

test('defaultSettings: 25 for legacy, 19 for early, none where nothing is configurable', () => {
  assert.deepEqual(
    ERAS.map((era) => Object.keys(defaultSettings(era)).length),
    [0, 19, 25, 35, 0],
  )
  assert.equal(defaultSettings('legacy').aggregationIntervalProcessTerminate, 'PT1H')
  assert.equal('aggregationIntervalProcessTerminate' in defaultSettings('early'), false)
})

test('defaultSettings: every default may be written, without a warning', () => {
  for (const era of ERAS) {
    for (const setting of settingsOf(era).values()) {
      if (setting.default === null) continue
      const checked = checkValue(setting, setting.default)
      assert.deepEqual(checked, { value: setting.default }, setting.name)
    }
  }
})

test('suggestSetting: finds what was meant, and nothing for what is far from everything', () => {
  assert.equal(suggestSetting('SnapshotFrequncy', 'legacy'), 'snapshotFrequency')
  assert.equal(suggestSetting('eventPriorityLogins', 'legacy'), 'eventPriorityLogin')
  assert.equal(suggestSetting('Process_mode', 'micro'), 'Process_Mode')
  assert.equal(suggestSetting('colour', 'legacy'), undefined)
  assert.equal(suggestSetting('x'.repeat(100_000), 'legacy'), undefined)
})
