import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '../../test/clock.ts'
import { makeHub, type TestHub, type TestHubOptions } from '../../test/hub.ts'
import { MemoryEventLog } from '../adapters/memory/event-log.ts'
import type { StampedMessage } from '../messages/event-log.ts'
import type { Credential } from '../registry/authenticator.ts'

const PUMP = { deviceId: 'pump-1' }
const MODULE = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
const CREDENTIAL = { authMethod: '{}', generationId: '1' } as Credential
const TIME = '2026-01-01T00:00:00.0000000Z'

/** A hub with a route for each of the sources. */
async function hubWith(...sources: readonly string[]): Promise<TestHub> {
  return routed(makeHub({ clock: new TestClock() }), sources)
}

async function routed(hub: TestHub, sources: readonly string[]): Promise<TestHub> {
  for (const source of sources) {
    await hub.routing.putRoute(source, { source, endpointNames: ['events'] }, undefined)
  }
  return hub
}

async function eventsOf(hub: TestHub) {
  const messages = (await hub.messages()) as readonly StampedMessage[]
  return messages.map(({ ref, source, application, body }) => ({
    ref,
    source,
    opType: application.opType,
    body: source ? JSON.parse(Buffer.from(body).toString()) : Buffer.from(body).toString(),
  }))
}

async function told(hub: TestHub): Promise<readonly string[]> {
  const events = await eventsOf(hub)
  return events.map(({ ref, opType }) => [opType, ...Object.values(ref)].join(' '))
}

test('without a route nothing is told', async () => {
  const hub = makeHub()
  await hub.identities.createDevice('pump-1', {})
  await hub.twins.patch(PUMP, { tags: { a: 1 } })
  await hub.twins.updateReported(PUMP, { a: 1 })
  await hub.identities.remove(PUMP, '*')
  assert.deepEqual(await hub.messages(), [])
})

test('twin changes: what was written, with its metadata, of services and devices', async () => {
  const hub = await hubWith('TwinChangeEvents')
  await hub.identities.createDevice('pump-1', {})
  const write = {
    tags: { site: 'n', gone: null },
    desired: { fan: { rpm: 9 }, gone: null, $version: 7 },
  }
  await hub.twins.patch(PUMP, write)
  await hub.twins.updateReported(PUMP, { state: 'on' })
  await hub.twins.updateReported(PUMP, { state: 'on' })
  const [first, second, third] = await eventsOf(hub)
  const stamp = { $lastUpdated: TIME, $lastUpdatedVersion: 2 }
  assert.deepEqual(first, {
    ref: PUMP,
    source: 'twinChangeEvents',
    opType: 'updateTwin',
    body: {
      version: 3,
      tags: { site: 'n', gone: null },
      properties: {
        desired: {
          fan: { rpm: 9 },
          gone: null,
          $metadata: { ...stamp, fan: { ...stamp, rpm: stamp } },
          $version: 2,
        },
      },
    },
  })
  assert.deepEqual(second?.body, {
    version: 4,
    properties: {
      reported: { state: 'on', $metadata: { ...stamp, state: stamp }, $version: 2 },
    },
  })
  assert.equal(third?.body.properties.reported.$version, 3, 'also when no value changed')
})

test('twin changes: a replace tells the whole twin, a section emptied is told empty', async () => {
  const hub = await hubWith('TwinChangeEvents')
  await hub.identities.createDevice('pump-1', {})
  await hub.twins.replace(PUMP, { tags: { a: 1 }, desired: { b: 2 } })
  await hub.twins.patch(PUMP, { desired: null, tags: null })
  await hub.twins.patch(PUMP, {})
  const [replaced, emptied, ...others] = await eventsOf(hub)
  assert.equal(replaced?.opType, 'replaceTwin')
  assert.deepEqual(replaced?.body.tags, { a: 1 })
  assert.deepEqual(Object.keys(replaced?.body.properties), ['desired', 'reported'])
  assert.equal(replaced?.body.properties.desired.b, 2)
  assert.equal(replaced?.body.properties.reported.$version, 1)
  assert.deepEqual(emptied?.body.tags, {})
  assert.deepEqual(Object.keys(emptied?.body.properties.desired), ['$metadata', '$version'])
  assert.deepEqual(others, [], 'a write of nothing is no change')
})

test('events say whose they are and what they are', async () => {
  const hub = await hubWith('TwinChangeEvents', 'DeviceLifecycleEvents')
  await hub.identities.createDevice('pump-1', {})
  await hub.identities.createModule(MODULE, {})
  await hub.identities.announceModel(MODULE, 'dtmi:example:Agent;1')
  await hub.twins.updateReported(MODULE, { a: 1 })
  const [, created, changed] = (await hub.messages()) as readonly StampedMessage[]
  const { identity } = await hub.twins.get(MODULE)
  assert.ok(created && changed)
  assert.deepEqual(changed.system, {
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    correlationId: changed.system.correlationId,
    userId: 'localhost',
  })
  assert.match(changed.system.correlationId ?? '', /^[0-9a-f-]{36}$/)
  assert.deepEqual(changed.application, {
    hubName: 'localhost',
    ...MODULE,
    operationTimestamp: TIME,
    'iothub-message-schema': 'twinChangeNotification',
    opType: 'updateTwin',
  })
  assert.deepEqual(
    [changed.modelId, changed.generationId, changed.source],
    ['dtmi:example:Agent;1', identity.generationId, 'twinChangeEvents'],
  )
  const schema = created.application['iothub-message-schema']
  assert.deepEqual(
    [schema, created.source],
    ['deviceLifecycleNotification', 'deviceLifecycleEvents'],
  )
})

test('lifecycle: devices and modules come and go with their twins, companions and edge modules too', async () => {
  const hub = await hubWith('DeviceLifecycleEvents')
  await hub.identities.createDevice('pump-1', {}, { twin: { tags: { a: 1 }, desired: { b: 2 } } })
  await hub.identities.createModule(MODULE, {})
  await hub.identities.update(PUMP, { iotEdge: true }, '*')
  await hub.identities.update(PUMP, {}, '*')
  await hub.identities.remove(MODULE, '*')
  await hub.identities.createModule(MODULE, {})
  await hub.identities.remove(PUMP, '*')
  assert.deepEqual(await told(hub), [
    'createDeviceIdentity pump-1',
    'createModuleIdentity pump-1 azureiotsecurity',
    'createModuleIdentity pump-1 $edgeAgent',
    'createModuleIdentity pump-1 $edgeHub',
    'deleteModuleIdentity pump-1 $edgeAgent',
    'deleteModuleIdentity pump-1 $edgeHub',
    'deleteModuleIdentity pump-1 azureiotsecurity',
    'createModuleIdentity pump-1 azureiotsecurity',
    'deleteDeviceIdentity pump-1',
    'deleteModuleIdentity pump-1 azureiotsecurity',
  ])
  const [created] = await eventsOf(hub)
  assert.deepEqual(Object.keys(created?.body), [
    'deviceId',
    'etag',
    'version',
    'tags',
    'properties',
  ])
  assert.deepEqual([created?.body.etag, created?.body.tags], ['AAAAAAAAAAE=', { a: 1 }])
  assert.equal(created?.body.properties.desired.b, 2)
})

test('lifecycle: a removal that fails, a device that is there already: nothing is told', async () => {
  const hub = await hubWith('DeviceLifecycleEvents')
  await hub.identities.createDevice('pump-1', {})
  await assert.rejects(hub.identities.createDevice('pump-1', {}))
  await assert.rejects(hub.identities.remove(PUMP, 'wrong'))
  await assert.rejects(hub.identities.remove({ deviceId: 'pump-2' }, '*'))
  assert.deepEqual(await told(hub), ['createDeviceIdentity pump-1'])
})

test('bulk operations and imports tell of each entry', async () => {
  const hub = await hubWith('DeviceLifecycleEvents', 'TwinChangeEvents')
  const entry = { ref: PUMP, write: {}, tags: { a: 1 } }
  await hub.bulk.run([{ ...entry, mode: 'create' }])
  await hub.bulk.run([{ ...entry, mode: 'updateTwin' }])
  await hub.bulk.restore([
    { ...entry, ref: { deviceId: 'pump-2' }, mode: 'createOrUpdate' },
    { ...entry, ref: { deviceId: 'pump-2', moduleId: 'm' }, mode: 'createOrUpdate' },
  ])
  await hub.bulk.run([{ ...entry, mode: 'delete' }])
  const operations = (await told(hub)).filter((each) => each.includes('pump-1'))
  assert.deepEqual(operations, [
    'createDeviceIdentity pump-1',
    'updateTwin pump-1',
    'deleteDeviceIdentity pump-1',
  ])
  const restored = (await told(hub)).filter((each) => each.includes('pump-2'))
  assert.deepEqual(restored, ['createDeviceIdentity pump-2', 'createModuleIdentity pump-2 m'])
})

test('a write is acknowledged after its event is durable, and not when it cannot be', async () => {
  const eventLog = new GatedLog()
  const hub = await routed(makeHub({ eventLog }), ['TwinChangeEvents', 'DeviceLifecycleEvents'])
  const writes: readonly (() => Promise<unknown>)[] = [
    () => hub.identities.createDevice('pump-1', {}),
    () => hub.identities.createModule(MODULE, {}),
    () => hub.twins.patch(PUMP, { tags: { a: 1 } }),
    () => hub.twins.replace(PUMP, {}),
    () => hub.twins.updateReported(MODULE, { a: 1 }),
    () => hub.identities.remove(MODULE, '*'),
  ]
  for (const write of writes) {
    let isDone = false
    const done = write().then(() => {
      isDone = true
    })
    await eventLog.reached()
    await new Promise(setImmediate)
    assert.equal(isDone, false, String(write))
    eventLog.open()
    await done
  }
  eventLog.fault = new Error('the disk is full')
  await assert.rejects(hub.twins.patch(PUMP, { tags: { a: 2 } }), /the disk is full/)
})

test('conditions and enrichments work on events too, with the twin after the write', async () => {
  const hub = makeHub()
  await hub.routing.replace(
    {
      routes: [
        {
          name: 'reported',
          source: 'TwinChangeEvents',
          condition: "IS_DEFINED($body.properties.reported) AND opType = 'updateTwin'",
          endpointNames: ['events'],
        },
        {
          name: 'north',
          source: 'TwinChangeEvents',
          condition: "$twin.tags.site = 'north'",
          endpointNames: ['events'],
        },
      ],
      enrichments: [{ key: 'site', value: '$twin.tags.site', endpointNames: ['events'] }],
    },
    undefined,
  )
  await hub.identities.createDevice('pump-1', {})
  await hub.twins.patch(PUMP, { tags: { site: 'south' } })
  await hub.twins.patch(PUMP, { tags: { site: 'north' } })
  await hub.twins.updateReported(PUMP, { a: 1 })
  const messages = await hub.messages()
  assert.deepEqual(
    messages.map(({ application }) => [application.opType, application.site]),
    [
      ['updateTwin', 'north'],
      ['updateTwin', 'north'],
    ],
  )
})

test('events of a device and its telemetry are in one partition, in order', async () => {
  const eventLog = new MemoryEventLog()
  const options: TestHubOptions = { eventLog }
  const sources = ['TwinChangeEvents', 'DeviceLifecycleEvents']
  const hub = await routed(makeHub(options), sources)
  await hub.identities.createDevice('pump-1', {})
  await hub.telemetry.accept(
    { ref: PUMP, system: {}, application: {}, body: Buffer.from('t') },
    CREDENTIAL,
  )
  await hub.twins.updateReported(PUMP, { a: 1 })
  await hub.identities.remove(PUMP, '*')
  const partitions = await Promise.all([0, 1, 2, 3].map((n) => eventLog.read('telemetry', n, 0, 9)))
  const [records, ...others] = partitions.filter(({ length }) => length > 0)
  assert.deepEqual(others, [])
  assert.deepEqual(
    records?.map(({ message }) => message.application.opType ?? 'telemetry'),
    ['createDeviceIdentity', 'telemetry', 'updateTwin', 'deleteDeviceIdentity'],
  )
})

/** Holds each append up until it is let through. */
class GatedLog extends MemoryEventLog {
  fault: Error | undefined
  #reached: () => void = () => {}
  #open: () => void = () => {}
  #isReached = new Promise<void>((resolve) => {
    this.#reached = resolve
  })

  override async appendAll(...args: Parameters<MemoryEventLog['appendAll']>) {
    if (this.fault) throw this.fault
    const opened = new Promise<void>((resolve) => {
      this.#open = resolve
    })
    this.#reached()
    await opened
    return super.appendAll(...args)
  }

  /** Resolves when an append waits. */
  reached(): Promise<void> {
    return this.#isReached
  }

  open(): void {
    this.#isReached = new Promise<void>((resolve) => {
      this.#reached = resolve
    })
    this.#open()
  }
}
