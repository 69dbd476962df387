import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FindingStore } from '../../src/data/finding-store.ts'
import {
  type HeldBack,
  MAX_LEARNED_PER_DEVICE,
  MAX_LEARNED_PER_RULE,
} from '../../src/data/noise.ts'
import { ODD as HOSTILE } from './findings.ts'

/** What rules make of it is well formed. */
const ODD = HOSTILE.replace('\ud800', '')

function held(fields: Partial<HeldBack>): HeldBack {
  const plain = { reason: 'off', alertType: 'IoT_WebShell', by: '' } as const
  return { ...plain, count: 1, lastMs: 1_000, lastDeviceId: 'pump-1', ...fields }
}

function seen(deviceId: string, value: string, group = 'plant') {
  return { group, alertType: 'IoT_FileCreated', name: 'Directory', value, deviceId }
}

function member(deviceId: string, group = 'plant') {
  return { group, alertType: '', name: '', value: '', deviceId }
}

/** What a FindingStore keeps of findings that raised no alert. */
export function findingNoiseContract(open: () => Promise<FindingStore>): void {
  test('held back: counts add up by reason, type and suppression; the newest device is kept', async () => {
    const store = await open()
    const suppressed = { reason: 'suppressed', by: 's1' } as const
    await store.commit({ heldBack: [held({ count: 2 }), held({ ...suppressed, lastMs: 3_000 })] })
    await store.commit({ heldBack: [held({ lastMs: 2_000, lastDeviceId: 'pump-2' })] })
    await store.commit({ heldBack: [held({ ...suppressed, lastDeviceId: ODD })] })
    assert.deepEqual(await store.noise.heldBack(), [
      held({ count: 3, lastMs: 2_000, lastDeviceId: 'pump-2' }),
      held({ ...suppressed, count: 2, lastMs: 3_000 }),
    ])
    await store.noise.forgetHeldBack('s1')
    assert.equal((await store.noise.heldBack()).length, 1)
    await store.close()
  })

  test('learned: each device counts once for a value, and once for its group', async () => {
    const store = await open()
    const learned = [
      ...['a', 'b', 'c'].map((id) => member(id)),
      ...[
        seen('a', '/etc'),
        seen('a', '/etc'),
        seen('b', '/etc'),
        seen('a', ODD),
        seen('x', '/', 'w'),
      ],
    ]
    await store.commit({ learned })
    await store.commit({ learned })
    const all = await store.noise.learned('plant', () => 1)
    assert.equal(all.devices, 3)
    const type = { alertType: 'IoT_FileCreated', name: 'Directory' }
    assert.deepEqual(all.values, [
      { ...type, value: '/etc', devices: 2 },
      { ...type, value: ODD, devices: 1 },
    ])
    const some = await store.noise.learned('plant', (devices) => Math.ceil(devices * 0.5))
    assert.deepEqual(
      some.values.map(({ value }) => value),
      ['/etc'],
    )
    await store.removeDevice('b')
    const rest = await store.noise.learned('plant', () => 1)
    assert.deepEqual([rest.devices, rest.values[0]?.devices], [2, 1])
    assert.deepEqual(await store.noise.learned('nobody', () => 1), { devices: 0, values: [] })
    await store.close()
  })

  test('learned: what devices can choose is limited, and how many devices there are is not', async () => {
    const store = await open()
    const over = Array.from({ length: MAX_LEARNED_PER_RULE + 5 }, (_, at) => `${at}`)
    const shownBy = async (least: number) => {
      const { values } = await store.noise.learned('plant', () => least)
      return values.map(({ value, devices }) => `${value} ${devices}`)
    }
    await store.commit({ learned: over.map((value) => seen('a', value)) })
    assert.equal((await shownBy(1)).length, MAX_LEARNED_PER_DEVICE, 'of a device that shows all')
    await store.commit({ learned: over.map((id) => seen(id, `own ${id}`)) })
    const fresh = [seen('x', 'new'), seen('y', 'new')]
    await store.commit({ learned: [...fresh, seen('y', 'new', 'w')] })
    assert.deepEqual(await shownBy(2), [], 'beyond the values of a rule')
    assert.equal((await store.noise.learned('w', () => 1)).values.length, 1)
    await store.removeDevice('a')
    await store.commit({ learned: fresh })
    assert.deepEqual(await shownBy(2), ['new 2'], 'there is room again')
    await store.commit({ learned: over.map((id) => seen(id, 'own 0')) })
    assert.deepEqual(await shownBy(3), [`own 0 ${over.length}`], 'any number of devices')
    await store.commit({ learned: over.map((deviceId) => member(deviceId)) })
    assert.equal((await store.noise.learned('plant', () => 1)).devices, over.length)
    await store.close()
  })
}
