import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { DeviceRef } from '@twinward/protocol'
import { registryContract } from '../../../test/contracts/registry.ts'
import { entry, report } from '../../../test/contracts/registry-entries.ts'
import { mixture, runAtOnce } from '../../../test/contracts/registry-races.ts'
import { MemoryRegistry } from '../memory/registry.ts'
import { SqliteRegistry } from './registry.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-registry-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

registryContract(() => open(newFile()))

test('open: what was acknowledged is there again, after changes of every kind', async () => {
  const file = newFile()
  const refs: DeviceRef[] = [
    { deviceId: 'pump-1' },
    { deviceId: 'pump-1', moduleId: 'azureiotsecurity' },
    { deviceId: 'pump-2' },
  ]
  const first = await open(file)
  await first.insert(refs.map((ref) => entry(ref)))
  const changed = await Promise.all(
    refs.flatMap((ref) => [1, 2, 3].map((rpm) => first.change(ref, (e) => report(e, { rpm })))),
  )
  await first.remove({ deviceId: 'pump-2' })
  await first.close()

  const second = await open(file)
  assert.deepEqual(await second.find({ deviceId: 'pump-1' }), changed[2])
  assert.deepEqual(await second.listModules('pump-1'), [changed[5]])
  assert.equal(await second.find({ deviceId: 'pump-2' }), undefined)
  assert.deepEqual(await second.count(), { devices: 1, disabledDevices: 0, modules: 1 })
  await second.close()
})

test('a mixture of everything, one by one, answers as the registry in memory does', async () => {
  for (const cacheBytes of [undefined, 5000]) {
    const registry = await open(newFile(), cacheBytes)
    const memory = new MemoryRegistry()
    for (const call of mixture()) assert.deepEqual(await call(registry), await call(memory))
    assert.deepEqual(await registry.listDevices(100), await memory.listDevices(100))
    await registry.close()
  }
})

test('a mixture of everything at once leaves in the file what its callers were told', async () => {
  const file = newFile()
  const first = await open(file)
  await runAtOnce(mixture(), first)
  const refs = [0, 1, 2, 3, 4].flatMap((n) =>
    [undefined, 'm0', 'm1'].map((moduleId) => ({
      deviceId: `pump-${n}`,
      ...(moduleId && { moduleId }),
    })),
  )
  const told = await Promise.all(refs.map((ref) => first.find(ref)))
  await first.close()
  const second = await open(file)
  assert.deepEqual(await Promise.all(refs.map((ref) => second.find(ref))), told)
  await second.close()
})

test('change: a cache without room for a single entry loses nothing', async () => {
  const registry = await open(newFile(), 0)
  const refs = Array.from({ length: 50 }, (_, n) => ({ deviceId: `pump-${n}` }))
  await registry.insert(refs.map((ref) => entry(ref)))
  for (const round of [1, 2, 3]) {
    const changes = refs.flatMap((ref) =>
      ['a', 'b'].map((key) => registry.change(ref, (e) => report(e, { [key]: round }))),
    )
    await Promise.all(changes)
  }
  for (const e of await registry.listDevices(100)) {
    assert.equal(e.twin.version, 7)
    assert.deepEqual(e.twin.reported.values, { unit: '°C', a: 3, b: 3 })
  }
  await registry.close()
})

test('close: waits for the changes that were called before', async () => {
  const file = newFile()
  const first = await open(file)
  await first.insert([entry({ deviceId: 'pump-1' })])
  await first.find({ deviceId: 'pump-1' })
  const changed = first.change({ deviceId: 'pump-1' }, (e) => report(e, { rpm: 1 }))
  await first.close()
  const second = await open(file)
  assert.deepEqual(await second.find({ deviceId: 'pump-1' }), await changed)
  await second.close()
})

test('change: after close it rejects, and a change that nobody waits for does not hang', async () => {
  const registry = await open(newFile())
  await registry.insert([entry({ deviceId: 'pump-1' })])
  await registry.find({ deviceId: 'pump-1' })
  await registry.close()
  const refused = { code: 'ServiceUnavailable' }
  const late = registry.change({ deviceId: 'pump-1' }, (e) => report(e, { rpm: 1 }))
  await assert.rejects(late, refused)
  await assert.rejects(registry.find({ deviceId: 'pump-1' }), refused)
  await assert.rejects(registry.insert([entry({ deviceId: 'pump-2' })]), refused)
})

test('change: beyond the limit of waiting calls it is refused, the others are kept', async () => {
  const registry = await open(newFile())
  await registry.insert([entry({ deviceId: 'pump-1' })])
  await registry.find({ deviceId: 'pump-1' })
  const calls = Array.from({ length: 100_001 }, () =>
    registry.change({ deviceId: 'pump-1' }, (e) => ({
      ...e,
      twin: { ...e.twin, version: e.twin.version + 1 },
    })),
  )
  const outcomes = await Promise.allSettled(calls)
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  assert.deepEqual(
    refused.map(({ reason }) => reason.code),
    ['ServiceUnavailable'],
  )
  assert.equal((await registry.find({ deviceId: 'pump-1' }))?.twin.version, 100_001)
  await registry.close()
})

function newFile(): string {
  return join(folder, `${files++}.db`)
}

function open(file: string, cacheBytes?: number): Promise<SqliteRegistry> {
  const onFailure = (error: Error) => {
    throw error
  }
  return SqliteRegistry.open({ file, onFailure, ...(cacheBytes !== undefined && { cacheBytes }) })
}
