import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ConfigurationRecord,
  type ConfigurationStore,
  type HistoryEntry,
  type Layer,
  MAX_HISTORY_ENTRIES,
  MAX_LAYERS,
} from '../../src/configuration/configuration-store.ts'

const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }

export function layer(changes: Partial<Layer> = {}): Layer {
  const legacy = { snapshotFrequency: 'PT1H' }
  return { group: null, legacy, micro: {}, version: 1, changedMs: 5, by: 'owner', ...changes }
}

export function entry(changes: Partial<HistoryEntry> = {}): HistoryEntry {
  const names = { group: null, deviceId: null, moduleId: null }
  const change = { name: 'snapshotFrequency', old: null, new: 'PT1H' }
  return { timeMs: 5, layer: 'hub', ...names, by: 'owner', changes: [change], ...changes }
}

export function ofDevice(deviceId: string, changes: Partial<HistoryEntry> = {}): HistoryEntry {
  return entry({ layer: 'device', deviceId, moduleId: 'azureiotsecurity', ...changes })
}

function record(changes: Partial<ConfigurationRecord> = {}): ConfigurationRecord {
  return { ref, written: { a: 1 }, seen: { b: 'x' }, desiredVersion: 3, ...changes }
}

async function times(store: ConfigurationStore, filter: object = {}): Promise<readonly number[]> {
  const { items } = await store.listHistory({ limit: 1000, ...filter })
  return items.map(({ timeMs }) => timeMs)
}

/** What every ConfigurationStore must do. Each adapter's test calls this with a way to open a new one. */
export function configurationStoreContract(open: () => Promise<ConfigurationStore>): void {
  const promise = (name: string, run: (store: ConfigurationStore) => Promise<void>) =>
    test(`configuration store: ${name}`, async () => run(await open()))

  layers(promise)
  records(promise)
  history(promise)
}

type Promised = (name: string, run: (store: ConfigurationStore) => Promise<void>) => void

function layers(promise: Promised): void {
  promise('layers are kept whole, the hub first, until they are empty', async (store) => {
    assert.deepEqual(await store.layers(), [])
    const outside = layer({ group: 'outside', micro: { Process_Mode: 3 }, legacy: {} })
    await store.saveLayer(outside, entry({ layer: 'group', group: 'outside' }))
    await store.saveLayer(layer(), entry())
    const second = layer({ version: 2, legacy: { 'weird "name"': true } })
    await store.saveLayer(second, entry())
    assert.deepEqual(await store.layers(), [second, outside])
    await store.saveLayer(layer({ version: 3, legacy: {} }), entry())
    assert.deepEqual(await store.layers(), [outside])
    assert.equal((await times(store)).length, 4)
  })

  promise('there is an end to groups, and one too many changes nothing', async (store) => {
    for (let n = 0; n < MAX_LAYERS; n++) {
      const group = `g${n}`
      await store.saveLayer(layer({ group }), entry({ layer: 'group', group }))
    }
    await store.saveLayer(layer(), entry())
    const before = await store.rollout()
    const more = { layer: 'group', group: 'more' } as const
    await assert.rejects(store.saveLayer(layer({ group: 'more' }), entry(more)), {
      code: 'IotHubQuotaExceeded',
    })
    assert.deepEqual(await times(store, { group: 'more' }), [])
    assert.deepEqual(await store.rollout(), before)
    const first = { layer: 'group', group: 'g0' } as const
    await store.saveLayer(layer({ group: 'g0', version: 2 }), entry(first))
    assert.equal((await store.layers()).length, MAX_LAYERS + 1)
  })

  promise(
    'a change of a layer starts the rollout anew, and only its own may go on',
    async (store) => {
      assert.equal((await store.rollout()).isDone, true)
      await store.saveLayer(layer(), entry())
      const first = await store.rollout()
      assert.deepEqual([first.after, first.isDone], ['', false])
      await store.advanceRollout({ ...first, after: 'pump-1' })
      assert.equal((await store.rollout()).after, 'pump-1')
      await store.saveLayer(layer({ version: 2 }), entry())
      await store.advanceRollout({ ...first, after: 'pump-2', isDone: true })
      const second = await store.rollout()
      assert.deepEqual([second.after, second.isDone], ['', false])
      assert.ok(second.generation > first.generation)
    },
  )
}

function records(promise: Promised): void {
  promise('a record is replaced whole, of one module only', async (store) => {
    assert.equal(await store.findRecord(ref), undefined)
    const intent = { baseVersion: 3, written: {}, seen: {}, entry: ofDevice('pump-1') }
    await store.saveRecord(record({ intent }), [])
    assert.deepEqual(await store.findRecord(ref), record({ intent }))
    const next = record({ desiredVersion: 4, seen: { constructor: 1 } })
    await store.saveRecord(next, [ofDevice('pump-1')])
    assert.deepEqual(await store.findRecord(ref), JSON.parse(JSON.stringify(next)))
    assert.equal(await store.findRecord({ ...ref, moduleId: 'other' }), undefined)
    assert.equal(await store.findRecord({ ...ref, deviceId: 'pump-10' }), undefined)
  })

  promise('a removed device leaves nothing, its neighbours everything', async (store) => {
    for (const deviceId of ['pump-1', 'pump-10']) {
      await store.saveRecord(record({ ref: { ...ref, deviceId } }), [ofDevice(deviceId)])
    }
    await store.removeDevice('pump-1')
    assert.equal(await store.findRecord(ref), undefined)
    assert.ok(await store.findRecord({ ...ref, deviceId: 'pump-10' }))
    assert.deepEqual(await times(store, { deviceId: 'pump-1' }), [])
    assert.equal((await times(store, { deviceId: 'pump-10' })).length, 1)
  })
}

function history(promise: Promised): void {
  promise('the history comes newest first, by device, layer and group', async (store) => {
    await store.saveLayer(layer(), entry({ timeMs: 1 }))
    const outside = { layer: 'group', group: 'outside' } as const
    await store.saveLayer(layer({ group: 'outside' }), entry({ timeMs: 2, ...outside }))
    const inherited = ofDevice('pump-1', { timeMs: 4, layer: 'inherited', by: 'twinward' })
    await store.saveRecord(record(), [ofDevice('pump-1', { timeMs: 3 }), inherited])
    assert.deepEqual(await times(store), [4, 3, 2, 1])
    assert.deepEqual(await times(store, { deviceId: 'pump-1' }), [4, 3])
    assert.deepEqual(await times(store, { deviceId: 'pump-1', layer: 'inherited' }), [4])
    assert.deepEqual(await times(store, { layer: 'hub' }), [1])
    assert.deepEqual(await times(store, { layer: 'group' }), [2])
    assert.deepEqual(await times(store, { group: 'outside' }), [2])
    const [newest] = (await store.listHistory({ limit: 1 })).items
    assert.deepEqual({ ...newest, id: 0 }, { ...inherited, id: 0 })
  })

  promise('the history is paged without loss, with a token of its own', async (store) => {
    for (let n = 1; n <= 7; n++) {
      await store.saveRecord(record(), [ofDevice('pump-1', { timeMs: n })])
    }
    const seen: number[] = []
    let token: string | undefined
    do {
      const page = await store.listHistory({ limit: 3, ...(token && { continuationToken: token }) })
      seen.push(...page.items.map(({ timeMs }) => timeMs))
      token = page.continuationToken ?? undefined
    } while (token)
    assert.deepEqual(seen, [7, 6, 5, 4, 3, 2, 1])
    for (const bad of [{ limit: 0 }, { limit: 1, continuationToken: 'x' }]) {
      await assert.rejects(store.listHistory(bad), { code: 'ArgumentInvalid' })
    }
  })

  promise('each device keeps its newest entries, however busy another is', async (store) => {
    await store.saveRecord(record(), [ofDevice('quiet', { timeMs: 1 })])
    for (let n = 0; n < MAX_HISTORY_ENTRIES + 3; n++) {
      await store.saveRecord(record(), [ofDevice('busy', { timeMs: n })])
    }
    const busy = await times(store, { deviceId: 'busy' })
    assert.deepEqual([busy.length, busy.at(-1)], [MAX_HISTORY_ENTRIES, 3])
    assert.deepEqual(await times(store, { deviceId: 'quiet' }), [1])
  })

  promise('old entries go, and only those', async (store) => {
    for (const timeMs of [1, 2, 3]) await store.saveRecord(record(), [ofDevice('d', { timeMs })])
    assert.equal(await store.expireHistory(3), 2)
    assert.deepEqual(await times(store), [3])
    assert.equal(await store.expireHistory(3), 0)
  })
}
