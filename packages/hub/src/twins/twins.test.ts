import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type JsonObject } from '@twinward/protocol'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import type { Notice } from '../bus.ts'
import { silentLog } from '../log.ts'
import { HostNames } from '../registry/host-names.ts'
import { Identities } from '../registry/identities.ts'
import { type DesiredReview, noReview } from './desired-review.ts'
import { formatTwinEtag } from './etag.ts'
import { Twins } from './twins.ts'

const clock = { now: () => 1_767_225_600_000, sleep: async () => {}, every: () => () => {} }
const pump = { deviceId: 'pump-1' }

async function open(review?: DesiredReview) {
  const registry = new MemoryRegistry()
  const bus = new InProcessBus(silentLog)
  const ports = { registry, bus, clock }
  await new Identities(ports, new HostNames(['hub']), () => []).createDevice('pump-1', {})
  const notices: Notice[] = []
  bus.subscribe((notice) => notices.push(notice))
  return { twins: new Twins(ports, review), notices }
}

function told(notices: readonly Notice[]): readonly (readonly [JsonObject, number])[] {
  return notices.flatMap((notice) =>
    notice.kind === 'desired-changed' ? [[notice.patch, notice.version] as const] : [],
  )
}

function fails(code: string) {
  return (error: unknown) => error instanceof HubError && error.code === code
}

test('patch: the device is told the patch as written, without what the hub owns', async () => {
  const { twins, notices } = await open()
  await twins.patch(pump, { desired: { fan: { rpm: 1 }, old: null, $version: 1, $metadata: {} } })
  assert.deepEqual(told(notices), [[{ fan: { rpm: 1 }, old: null }, 2]])
})

test('patch: tags alone tell the device nothing and leave its versions', async () => {
  const { twins, notices } = await open()
  const { twin } = await twins.patch(pump, { tags: { site: 'b43' } })
  assert.deepEqual([twin.version, twin.etag, twin.desired.version], [3, 2, 1])
  assert.deepEqual(told(notices), [])
})

test('patch: null for a whole section clears it, and the device is told every key', async () => {
  const { twins, notices } = await open()
  await twins.patch(pump, { tags: { a: 1 }, desired: { a: 1, b: { c: 2 } } })
  const { twin } = await twins.patch(pump, { tags: null, desired: null })
  assert.deepEqual([twin.tags, twin.desired.values, twin.desired.version], [{}, {}, 3])
  assert.deepEqual(told(notices).at(-1), [{ a: null, b: null }, 3])
})

test('patch: tags and desired together are one step of the twin’s version and etag', async () => {
  const { twins } = await open()
  const { twin } = await twins.patch(pump, { tags: { a: 1 }, desired: { a: 1 } })
  assert.deepEqual([twin.version, twin.etag], [3, 2])
})

test('replace: the device is told the new keys, and null for those that went', async () => {
  const { twins, notices } = await open()
  await twins.patch(pump, { desired: { a: 1, b: 2 } })
  await twins.replace(pump, { desired: { a: 1, c: 100 } })
  assert.deepEqual(told(notices).at(-1), [{ a: 1, b: null, c: 100 }, 3])
})

test('a stale etag, or a stale $version without an etag, changes nothing', async () => {
  const { twins } = await open()
  const before = await twins.get(pump)
  await twins.patch(pump, { desired: { a: 1 } })
  const stale = { ifMatch: formatTwinEtag(before.twin.etag) }
  for (const condition of [stale, { ifDesiredVersion: 1 }]) {
    await assert.rejects(
      twins.patch(pump, { desired: { a: 2 } }, condition),
      fails('PreconditionFailed'),
    )
    await assert.rejects(twins.replace(pump, {}, condition), fails('PreconditionFailed'))
  }
  assert.deepEqual((await twins.get(pump)).twin.desired.values, { a: 1 })
  await twins.patch(pump, { desired: { a: 3 } }, { ifMatch: '*', ifDesiredVersion: 1 })
  assert.deepEqual((await twins.get(pump)).twin.desired.values, { a: 3 })
})

test('updateReported: a condition on $version holds, and the etag does not move', async () => {
  const { twins } = await open()
  assert.equal(await twins.updateReported(pump, { fw: '1.1' }, 1), 2)
  await assert.rejects(twins.updateReported(pump, { fw: '1.2' }, 1), fails('PreconditionFailed'))
  const { twin } = await twins.get(pump)
  assert.deepEqual([twin.reported.values, twin.version, twin.etag], [{ fw: '1.1' }, 3, 1])
})

test('of many writers at once every one counts, in a version of its own', async () => {
  const { twins } = await open()
  const versions = await Promise.all(
    Array.from({ length: 50 }, (_, index) => twins.updateReported(pump, { [`p${index}`]: index })),
  )
  assert.deepEqual(
    versions,
    Array.from({ length: 50 }, (_, index) => index + 2),
  )
  assert.equal(Object.keys((await twins.get(pump)).twin.reported.values).length, 50)
})

test('a write to desired that the review refuses does not happen', async () => {
  const check = () => {
    throw new HubError('ArgumentInvalid', 'dangerous')
  }
  const { twins, notices } = await open({ ...noReview, check })
  await assert.rejects(twins.patch(pump, { desired: { a: 1 } }), fails('ArgumentInvalid'))
  await assert.rejects(twins.replace(pump, { desired: { a: 1 } }), fails('ArgumentInvalid'))
  await twins.patch(pump, { tags: { a: 1 } })
  assert.deepEqual(told(notices), [])
})

test('the review sees what was, what will be and who writes; what it names is audited once', async () => {
  const seen: unknown[] = []
  const audited: unknown[] = []
  const { twins } = await open({
    check: (_ref, change) => {
      seen.push(change)
      return change.author ? ['fan'] : []
    },
    accepted: (ref, names, author) => void audited.push([ref, names, author?.name]),
    told: (_ref, patch) => patch,
  })
  const author = { name: 'service', rights: ['ServiceConnect'] } as const
  await twins.patch(pump, { desired: { fan: 1, led: 2 } }, {}, author)
  await twins.patch(pump, { desired: { fan: null } })
  await twins.replace(pump, { desired: { led: 3 } })
  await twins.patch(pump, { desired: null })
  assert.deepEqual(seen, [
    { written: { fan: 1, led: 2 }, before: {}, after: { fan: 1, led: 2 }, author },
    { written: { fan: null }, before: { fan: 1, led: 2 }, after: { led: 2 }, author: undefined },
    { written: { led: 3 }, before: { led: 2 }, after: { led: 3 }, author: undefined },
    { written: {}, before: { led: 3 }, after: {}, author: undefined },
  ])
  assert.deepEqual(audited, [[pump, ['fan'], 'service']])
})

test('the device is told what the review makes of a patch', async () => {
  const told: DesiredReview['told'] = (_ref, _patch, after) => after
  const { twins, notices } = await open({ ...noReview, told })
  await twins.patch(pump, { desired: { a: 1 } })
  await twins.patch(pump, { desired: { b: 2 } })
  const patches = notices.flatMap((one) => (one.kind === 'desired-changed' ? [one.patch] : []))
  assert.deepEqual(patches, [{ a: 1 }, { a: 1, b: 2 }])
})

test('a write to tags is told with its patch, a replacement without', async () => {
  const { twins, notices } = await open()
  await twins.patch(pump, { tags: { site: 'b43' }, desired: { a: 1 } })
  await twins.replace(pump, {})
  const tags = notices.flatMap((one) => (one.kind === 'tags-changed' ? [one.patch] : []))
  assert.deepEqual(tags, [{ site: 'b43' }, null])
})

test('nobody’s twin: DeviceNotFound, for a module too', async () => {
  const { twins } = await open()
  const nobody = { deviceId: 'pump-1', moduleId: 'nobody' }
  await assert.rejects(twins.get(nobody), fails('DeviceNotFound'))
  await assert.rejects(twins.patch(nobody, { tags: {} }), fails('DeviceNotFound'))
  await assert.rejects(twins.updateReported(nobody, {}), fails('DeviceNotFound'))
})
