import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import fc from 'fast-check'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import { systemClock } from '../clock.ts'
import { silentLog } from '../log.ts'
import { Twins } from '../twins/twins.ts'
import { Bulk } from './bulk.ts'
import { HostNames } from './host-names.ts'
import { Identities } from './identities.ts'
import type { Entry } from './registry.ts'
import { RegistryTransfer } from './registry-transfer.ts'

const companion = { moduleId: 'azureiotsecurity', tags: { group: 'default' }, desired: { a: 1 } }

function open() {
  const registry = new MemoryRegistry()
  const bus = new InProcessBus(silentLog)
  const ports = { registry, bus, clock: systemClock }
  const identities = new Identities(ports, new HostNames(['hub.example.net']), () => [companion])
  const twins = new Twins(ports)
  const bulk = new Bulk(identities, twins)
  return { registry, identities, twins, bulk, transfer: new RegistryTransfer(identities, bulk) }
}

type TestHub = ReturnType<typeof open>

async function exportText({ transfer }: TestHub, excludeKeys = false): Promise<string> {
  let text = ''
  for await (const lines of transfer.export(excludeKeys)) text += lines
  return text
}

function importText({ transfer }: TestHub, text: string) {
  async function* chunks() {
    yield Buffer.from(text)
  }
  return transfer.import({ chunks: chunks() })
}

/** What an import must bring back. */
async function contentsOf({ registry }: TestHub): Promise<unknown[]> {
  const entries = await registry.listEntries(10_000)
  return entries.map(({ ref, identity, twin }: Entry) => {
    const { status, statusReason, authentication, iotEdge, managedBy } = identity
    const { deviceScope, parentScopes } = identity
    return {
      ...{
        ref,
        status,
        statusReason,
        authentication,
        iotEdge,
        managedBy,
        deviceScope,
        parentScopes,
      },
      tags: twin.tags,
      desired: twin.desired.values,
    }
  })
}

const id = fc.string({ unit: fc.constantFrom(...'aB1-_%#?@;'), minLength: 1, maxLength: 4 })
const key = fc.string({
  unit: fc.constantFrom('a', 'ä', ':', '\u2028', '"'),
  minLength: 1,
  maxLength: 3,
})
const leafValue = fc.oneof(
  fc.integer({ min: -9, max: 9 }),
  fc.boolean(),
  fc.string({ maxLength: 5 }),
)
const section = fc.dictionary(key, fc.oneof(leafValue, fc.dictionary(key, leafValue)), {
  maxKeys: 3,
})
const sas = fc
  .tuple(
    fc.uint8Array({ minLength: 16, maxLength: 64 }),
    fc.uint8Array({ minLength: 16, maxLength: 64 }),
  )
  .map(([a, b]) => ({
    symmetricKey: {
      primaryKey: Buffer.from(a).toString('base64'),
      secondaryKey: Buffer.from(b).toString('base64'),
    },
  }))
const authentication = fc.oneof(
  sas,
  fc.constant({ type: 'certificateAuthority' }),
  fc.constant({ type: 'selfSigned', x509Thumbprint: { primaryThumbprint: 'aB'.repeat(20) } }),
)
const module = fc.record({
  moduleId: id,
  authentication,
  managedBy: fc.constantFrom('', 'me'),
  tags: section,
  desired: section,
})
const device = fc.record({
  deviceId: id,
  status: fc.constantFrom('enabled' as const, 'disabled' as const),
  statusReason: fc.option(fc.string({ maxLength: 5 })),
  iotEdge: fc.boolean(),
  authentication,
  tags: section,
  desired: section,
  companionTags: section,
  modules: fc.uniqueArray(module, { selector: ({ moduleId }) => moduleId, maxLength: 3 }),
})
const fleet = fc.uniqueArray(device, { selector: ({ deviceId }) => deviceId, maxLength: 12 })

test('what a hub exports, an empty hub imports: identities, keys, scopes, modules, tags, desired', async () => {
  await fc.assert(
    fc.asyncProperty(fleet, async (devices) => {
      const source = open()
      let parent: string | undefined
      for (const { deviceId, tags, desired, companionTags, modules, ...write } of devices) {
        const scopes = parent && { deviceScope: parent, parentScopes: [parent] }
        const created = await source.identities.createDevice(deviceId, { ...write, ...scopes })
        if (created.identity.iotEdge) parent ??= created.identity.deviceScope
        await source.twins.replace({ deviceId }, { tags: tags as JsonObject, desired })
        const ref = { deviceId, moduleId: companion.moduleId }
        await source.twins.replace(ref, { tags: companionTags, desired: {} })
        for (const { moduleId, tags, desired, ...write } of modules) {
          await source.identities.createModule({ deviceId, moduleId }, write, { tags, desired })
        }
      }
      const target = open()
      const report = await importText(target, await exportText(source))
      assert.deepEqual(report.failures, [])
      const expected = await contentsOf(source)
      assert.deepEqual(await contentsOf(target), expected)
      assert.deepEqual(await importText(target, await exportText(source)), report)
      assert.deepEqual(await contentsOf(target), expected)
    }),
    { numRuns: 40 },
  )
})

test('import: an export without keys leaves the keys of what exists, and makes some for what does not', async () => {
  const hub = open()
  await hub.identities.createDevice('pump-1', {})
  const text = await exportText(hub, true)
  const before = await contentsOf(hub)
  await importText(hub, text)
  assert.deepEqual(await contentsOf(hub), before)
  const other = open()
  assert.equal((await importText(other, text)).failed, 0)
  const { authentication } = (await other.identities.get({ deviceId: 'pump-1' })).identity
  assert.ok(authentication.type === 'sas' && authentication.primaryKey)
})

test('import: a device with its modules is created in one write, in whatever mode its lines are', async () => {
  for (const importMode of [undefined, 'create', 'createOrUpdateIfMatchETag']) {
    const hub = open()
    const lines = Array.from({ length: 250 }, (_, n) => [
      { id: `d${n}`, status: 'enabled', importMode },
      { id: `d${n}`, moduleId: 'azureiotsecurity', importMode, tags: { n } },
      { id: `d${n}`, moduleId: 'app', importMode, managedBy: 'me' },
    ]).flat()
    const text = lines.map((line) => JSON.stringify(line)).join('\n')
    assert.deepEqual(await importText(hub, text), { lines: 750, failed: 0, failures: [] })
    assert.deepEqual(await hub.identities.count(), {
      devices: 250,
      disabledDevices: 0,
      modules: 500,
    })
    const security = await hub.identities.get({ deviceId: 'd249', moduleId: 'azureiotsecurity' })
    assert.deepEqual(
      [security.identity.etag > 0, security.twin.etag, security.twin.tags],
      [true, 1, { n: 249 }],
    )
  }
})

test('import: lines of one device take effect in their order', async () => {
  const hub = open()
  const lines = [
    { id: 'a', status: 'enabled', importMode: 'create', tags: { life: 1 } },
    { id: 'b', status: 'enabled', importMode: 'create' },
    { id: 'a', importMode: 'delete' },
    { id: 'a', status: 'disabled', importMode: 'create', tags: { life: 2 } },
  ]
  const report = await importText(hub, lines.map((line) => JSON.stringify(line)).join('\n'))
  assert.equal(report.failed, 0)
  const { identity, twin } = await hub.identities.get({ deviceId: 'a' })
  assert.deepEqual([identity.status, twin.tags], ['disabled', { life: 2 }])
})

test('import: a bad module line fails alone, its device and the other modules are there', async () => {
  const hub = open()
  const lines = [
    { id: 'a', status: 'enabled' },
    { id: 'a', moduleId: 'bad id' },
    { id: 'a', moduleId: '$mine' },
    { id: 'a', moduleId: '$edgeAgent' },
    { id: 'a', moduleId: 'good', tags: { deep: 1 } },
    { id: 'a', moduleId: 'worse', tags: { 'a.b': 1 } },
  ]
  const report = await importText(hub, lines.map((line) => JSON.stringify(line)).join('\n'))
  assert.deepEqual(
    report.failures.map(({ line }) => line),
    [2, 3, 4, 6],
  )
  const modules = await hub.identities.listModules('a')
  assert.deepEqual(
    modules.map(({ ref }) => ref.moduleId),
    ['azureiotsecurity', 'good'],
  )
})

test('export and import: only so many at a time, and a stream that is given up makes room', async () => {
  const hub = open()
  await hub.identities.createDevice('a', {})
  const streams = Array.from({ length: 8 }, () => hub.transfer.export(false))
  for (const stream of streams.slice(1)) await stream.next()
  assert.throws(() => hub.transfer.export(false), { code: 'ThrottlingException' })
  await assert.rejects(importText(hub, ''), { code: 'ThrottlingException' })
  await Promise.all(streams.map((stream) => stream.return?.()))
  assert.equal((await exportText(hub)).split('\n').length, 3)
})
