import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TypeSwitchStore } from '../../src/recommendations/switches.ts'

/** What every TypeSwitchStore must do. Each adapter calls this with a way to open an empty one. */
export function typeSwitchStoreContract(open: () => Promise<TypeSwitchStore>): void {
  test('disabledTypes: those that were switched off and not on again, in order', async () => {
    const store = await open()
    assert.deepEqual(await store.disabledTypes(), [])
    for (const name of ['IoT_OpenPorts', 'IoT_Baseline', 'IoT_OpenPorts']) {
      await store.setDisabled(name, true)
    }
    assert.deepEqual(await store.disabledTypes(), ['IoT_Baseline', 'IoT_OpenPorts'])
    await store.setDisabled('IoT_OpenPorts', false)
    await store.setDisabled('IoT_Nothing', false)
    assert.deepEqual(await store.disabledTypes(), ['IoT_Baseline'])
  })
}
