import assert from 'node:assert/strict'
import { test } from 'node:test'
import { entry } from '../../../test/contracts/registry-entries.ts'
import { MemoryRegistry } from '../../adapters/memory/registry.ts'
import { MAX_PAGE_ITEMS, Queries } from './queries.ts'

async function registryOf(count: number): Promise<MemoryRegistry> {
  const registry = new MemoryRegistry()
  await registry.insert(Array.from({ length: count }, (_, n) => entry({ deviceId: `d-${n}` })))
  return registry
}

async function readAll(queries: Queries, text: string, maxItems: number): Promise<number[]> {
  const sizes: number[] = []
  let continuation: string | undefined
  do {
    const page = await queries.run(text, { maxItems, ...(continuation && { continuation }) })
    sizes.push(page.rows.length)
    continuation = page.continuation
  } while (continuation !== undefined)
  return sizes
}

test('run: pages are as long as asked for, at most so long as the hub allows', async () => {
  const queries = new Queries(await registryOf(250))
  const text = 'SELECT deviceId FROM devices'
  assert.deepEqual(await readAll(queries, text, 1000), [MAX_PAGE_ITEMS, MAX_PAGE_ITEMS, 50])
  assert.deepEqual(await readAll(queries, text, 83), [83, 83, 83, 1])
})

test('run: TOP counts over all pages', async () => {
  const queries = new Queries(await registryOf(10))
  assert.deepEqual(await readAll(queries, 'SELECT TOP 5 * FROM devices', 2), [2, 2, 1])
  assert.deepEqual(await readAll(queries, 'SELECT TOP 4 * FROM devices', 2), [2, 2])
  assert.deepEqual(await readAll(queries, 'SELECT TOP 50 * FROM devices', 100), [10])
})

test('run: a token outlives the process, and goes with its own query only', async () => {
  const registry = await registryOf(10)
  const text = 'SELECT deviceId FROM devices'
  const { continuation = '' } = await new Queries(registry).run(text, { maxItems: 5 })
  const later = new Queries(registry)
  assert.equal((await later.run(text, { continuation })).rows.length, 5)
  const other = later.run('SELECT deviceId FROM devices.modules', { continuation })
  await assert.rejects(other, { code: 'ArgumentInvalid' })
})

test('run: a token that was changed anywhere is refused', async () => {
  const queries = new Queries(await registryOf(10))
  const text = 'SELECT TOP 9 deviceId FROM devices'
  const { continuation = '' } = await queries.run(text, { maxItems: 5 })
  for (let at = 0; at < continuation.length; at++) {
    const character = continuation[at] === 'x' ? 'y' : 'x'
    for (const changed of [
      continuation.slice(0, at) + character + continuation.slice(at + 1),
      continuation.slice(0, at) + continuation.slice(at + 1),
      continuation.slice(0, at),
    ]) {
      await assert.rejects(queries.run(text, { continuation: changed }), {
        code: 'ArgumentInvalid',
      })
    }
  }
})

test('run: jobs are none yet', async () => {
  const queries = new Queries(await registryOf(1))
  const result = await queries.run("SELECT * FROM devices.jobs WHERE devices.jobs.jobId = 'j'")
  assert.deepEqual(result, { itemType: 'DeviceJob', rows: [] })
})
