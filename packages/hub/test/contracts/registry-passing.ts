import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Registry } from '../../src/registry/registry.ts'
import {
  agent,
  entry,
  neighbour,
  neighbourAgent,
  oddValues,
  opened,
  otherModule,
  pump,
  report,
} from './registry-entries.ts'

/** How a pass over many entries reads and writes them. */
export function testPassing(open: () => Promise<Registry>): void {
  test('listThese: those that there are, once each, devices and modules', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump, { values: oddValues }), entry(agent), entry(neighbour)])
    const refs = [agent, { deviceId: 'none' }, pump, otherModule, pump]
    const found = await registry.listThese(refs)
    const inOrder = found.toSorted((a, b) =>
      (a.ref.moduleId ?? '').localeCompare(b.ref.moduleId ?? ''),
    )
    assert.deepEqual(inOrder, [entry(pump, { values: oddValues }), entry(agent)])
    assert.deepEqual(await registry.listThese([]), [])
  })

  test('change: of an entry that only passes, as of any other', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(agent)])
    const first = await registry.change(pump, (e) => report(e, { x: 1 }), 'passing')
    const [second, third] = await Promise.all([
      registry.change(pump, (e) => report(e, { x: 2 }), 'passing'),
      registry.change(pump, (e) => report(e, { x: 3 })),
    ])
    assert.deepEqual(await registry.change(pump, (e) => e, 'passing'), third)
    assert.deepEqual(
      [first, second, third].map((e) => e?.twin.reported.values.x),
      [1, 2, 3],
    )
    assert.deepEqual(await registry.find(pump), third)
    assert.equal(await registry.change(neighbourAgent, (e) => e, 'passing'), undefined)
  })
}
