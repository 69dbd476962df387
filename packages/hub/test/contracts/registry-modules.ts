import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Registry } from '../../src/registry/registry.ts'
import {
  agent,
  entry,
  neighbour,
  neighbourAgent,
  opened,
  otherModule,
  pump,
  report,
} from './registry-entries.ts'

/** A part of `registryContract`: devices together with their modules. */
export function testModules(open: () => Promise<Registry>): void {
  test('changeDevice: the device changes, modules come and go, the others stay', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(agent), entry(neighbour), entry(neighbourAgent)])
    await registry.change(pump, (e) => report(e, { rpm: 1 }))
    const device = await registry.changeDevice('pump-1', (e) => ({
      device: report(e, { rpm: 2 }),
      added: [entry(otherModule)],
      removed: ['azureiotsecurity', 'never-there'],
    }))
    assert.deepEqual(device, report(report(entry(pump), { rpm: 1 }), { rpm: 2 }))
    assert.deepEqual(await registry.find(pump), device)
    assert.deepEqual(await registry.listModules('pump-1'), [entry(otherModule)])
    assert.equal(await registry.find(agent), undefined)
    assert.deepEqual(await registry.find(neighbourAgent), entry(neighbourAgent))
    assert.deepEqual(await registry.count(), { devices: 2, disabledDevices: 0, modules: 2 })
  })

  test('changeDevice: a module that is added again starts anew', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(agent)])
    await registry.change(agent, (e) => report(e, { rpm: 1 }))
    await registry.changeDevice('pump-1', (device) => ({ device, added: [entry(agent)] }))
    assert.deepEqual(await registry.find(agent), entry(agent))
    assert.deepEqual(await registry.count(), { devices: 1, disabledDevices: 0, modules: 1 })
  })

  test('changeDevice: with no module it is a change, and none when decide throws', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(agent)])
    const device = await registry.changeDevice('pump-1', (e) => ({ device: report(e, { a: 1 }) }))
    assert.deepEqual(await registry.find(pump), device)
    const refusal = new Error('stale')
    const refused = registry.changeDevice('pump-1', () => {
      throw refusal
    })
    await assert.rejects(refused, (error) => error === refusal)
    assert.deepEqual(await registry.find(pump), device)
    const nothing = () => assert.fail('there is nothing to decide')
    assert.equal(await registry.changeDevice('pump-2', nothing), undefined)
  })

  test('changeDevice: changes of the same device and its modules at once are all kept', async () => {
    await using store = await opened(open)
    const { registry } = store
    await registry.insert([entry(pump), entry(otherModule)])
    const steps = Array.from({ length: 20 }, (_, step) => step)
    await Promise.all(
      steps.flatMap((step) => [
        registry.change(pump, (e) => report(e, { [`a${step}`]: step })),
        registry.changeDevice('pump-1', (e) => ({
          device: report(e, { [`b${step}`]: step }),
          ...(step % 2 === 0 ? { added: [entry(agent)] } : { removed: ['azureiotsecurity'] }),
        })),
        registry.change(agent, (e) => report(e, { step })),
        registry.change(otherModule, (e) => report(e, { [`a${step}`]: step })),
      ]),
    )
    const values = (await registry.find(pump))?.twin.reported.values ?? {}
    assert.equal(Object.keys(values).length, 41)
    assert.deepEqual(await registry.listModules('pump-1'), [await registry.find(otherModule)])
    const { twin } = (await registry.find(otherModule)) ?? entry(otherModule)
    assert.equal(Object.keys(twin.reported.values).length, 21)
    assert.deepEqual(await registry.count(), { devices: 1, disabledDevices: 0, modules: 1 })
  })

  test('listEntries: pages through devices and modules, each device before its modules', async () => {
    await using store = await opened(open)
    const { registry } = store
    const refs = [pump, otherModule, agent, { deviceId: 'pump-1-' }, neighbour, neighbourAgent]
    const entries = refs.map((ref) => entry(ref))
    await registry.insert(entries)
    const sorted = [pump, otherModule, agent, { deviceId: 'pump-1-' }, neighbour, neighbourAgent]
    for (const limit of [1, 2, 4, 100]) {
      const found = []
      let page = await registry.listEntries(limit)
      while (page.length > 0) {
        assert.ok(page.length <= limit)
        found.push(...page)
        page = await registry.listEntries(limit, page.at(-1)?.ref)
      }
      assert.deepEqual(
        found.map(({ ref }) => ref),
        sorted,
      )
      assert.deepEqual(found[0], entry(pump))
    }
    await registry.remove(agent)
    const [next] = await registry.listEntries(1, agent)
    assert.deepEqual(next?.ref, { deviceId: 'pump-1-' })
  })
}
