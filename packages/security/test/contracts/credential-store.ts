import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CredentialMarkStore } from '../../src/recommendations/credentials/credential-store.ts'

/** What every CredentialMarkStore must do. Each adapter calls this with a way to open an empty one. */
export function credentialStoreContract(open: () => Promise<CredentialMarkStore>): void {
  const key = (mark: string) => ({ mark, kind: 'symmetricKey' })

  test('keyOr: the first key stays', async () => {
    const store = await open()
    assert.equal(await store.keyOr('one'), 'one')
    assert.equal(await store.keyOr('two'), 'one')
  })

  test('sharedBy: what other devices have too, not what a device has twice', async () => {
    const store = await open()
    await store.put(
      [
        { ref: { deviceId: 'a' }, marks: [key('k1'), key('k2')] },
        { ref: { deviceId: 'a', moduleId: 'm' }, marks: [key('k1'), key('k3')] },
        { ref: { deviceId: 'b' }, marks: [key('k4'), { mark: 'k3', kind: 'symmetricKey' }] },
        { ref: { deviceId: 'c', moduleId: 'm' }, marks: [key('k3'), key('k4')] },
        { ref: { deviceId: 'd' }, marks: [] },
      ],
      1,
    )
    const shared = { kind: 'symmetricKey', deviceIds: ['a', 'b', 'c'], total: 3 }
    const pair = { kind: 'symmetricKey', deviceIds: ['b', 'c'], total: 2 }
    assert.deepEqual(await store.sharedBy('a', 9), [shared])
    assert.deepEqual(await store.sharedBy('b', 9), [shared, pair])
    assert.deepEqual(await store.sharedBy('b', 1), [{ ...shared, deviceIds: ['a'] }])
    assert.deepEqual(await store.sharedBy('d', 9), [])
    assert.deepEqual(await store.sharedBy('e', 9), [])
    assert.deepEqual(await store.sharingDevices(2), ['a', 'b'])
    assert.deepEqual(await store.sharingDevices(2, 'b'), ['c'])
  })

  test('put: replaces what an identity had, and leaves the others', async () => {
    const store = await open()
    const both = [
      { ref: { deviceId: 'a' }, marks: [key('k1')] },
      { ref: { deviceId: 'b' }, marks: [key('k1')] },
    ]
    await store.put(both, 1)
    assert.deepEqual(await store.sharingDevices(9), ['a', 'b'])
    await store.put([{ ref: { deviceId: 'a' }, marks: [key('k2')] }], 2)
    assert.deepEqual(await store.sharingDevices(9), [])
    await store.put([{ ref: { deviceId: 'a' }, marks: [key('k1')] }], 3)
    assert.deepEqual(await store.sharingDevices(9), ['a', 'b'])
  })

  test('expire and removeDevice: what was not put again goes, and so does what was removed', async () => {
    const store = await open()
    const marks = [key('k1')]
    for (const [pass, deviceId] of ['a', 'b', 'c'].entries()) {
      await store.put([{ ref: { deviceId }, marks }], pass)
    }
    await store.expire(1)
    assert.deepEqual(await store.sharingDevices(9), ['b', 'c'])
    await store.removeDevice('c')
    assert.deepEqual(await store.sharingDevices(9), [])
    await store.put([{ ref: { deviceId: 'a' }, marks }], 4)
    assert.deepEqual(await store.sharingDevices(9), ['a', 'b'])
  })
}
