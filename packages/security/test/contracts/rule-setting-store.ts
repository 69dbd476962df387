import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuleSettingStore } from '../../src/detection/rule-settings.ts'

/** What every RuleSettingStore must do. Each adapter calls this with a way to open an empty one. */
export function ruleSettingStoreContract(open: () => Promise<RuleSettingStore>): void {
  test('settings come back by group; empty ones are none', async () => {
    const store = await open()
    assert.deepEqual(await store.all(), [])
    await store.put('west', { IoT_WebShell: { isEnabled: false } })
    await store.put('', { IoT_FileCreated: { severity: 'Low' } })
    await store.put('west', { IoT_WebShell: { isEnabled: false, severity: 'High' } })
    await store.put('east', { IoT_WebShell: {} })
    await store.put('east', {})
    await store.put('none', {})
    assert.deepEqual(await store.all(), [
      ['', { IoT_FileCreated: { severity: 'Low' } }],
      ['west', { IoT_WebShell: { isEnabled: false, severity: 'High' } }],
    ])
  })
}
