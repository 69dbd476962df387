import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  DESIRED_CHANGES,
  type DeviceRef,
  METHOD_REQUESTS,
  TWIN_RESPONSES,
} from '@twinward/protocol'
import { MemoryRegistry } from '../../src/adapters/memory/registry.ts'
import { SqliteRegistry } from '../../src/adapters/sqlite/registry.ts'
import type { Entry } from '../../src/registry/registry.ts'
import { until } from '../hub.ts'
import { agent, type Bench, bench, EVENTS, pump, settled, stillOpen } from '../mqtt-bench.ts'
import { connectPacket, connectRaw, openRaw, type RawClient } from '../raw-mqtt.ts'

const C2D = 'devices/pump-1/messages/devicebound/#'
const STORED = { clean: false }

test('session: subscriptions survive a restart of the hub, and an end by clean session 1', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'twinward-session-'))
  const withHub = async (use: (b: Bench) => Promise<void>) => {
    const registry = await SqliteRegistry.open({
      file: join(folder, 'hub.db'),
      onFailure: (error) => assert.fail(error),
    })
    const b = bench({ registry })
    await use(b)
    await b.gateway.close()
    await registry.close()
  }
  await withHub(async (b) => {
    for (const ref of [pump, agent]) {
      const client = await connectRaw(b, ref, STORED)
      assert.equal(await isPresent(client), false)
      client.subscribeAt(1, DESIRED_CHANGES, METHOD_REQUESTS)
      await client.receive('suback')
    }
    // One that never subscribed has a session too.
    await connectRaw(b, { deviceId: 'pump-2' }, STORED)
  })
  await withHub(async (b) => {
    for (const ref of [pump, agent]) {
      const client = await connectRaw(b, ref, STORED)
      assert.equal(await isPresent(client), true)
      assert.equal(b.hub.sessions.find(ref)?.takesMethods, true)
      await b.hub.twins.patch(ref, { desired: { a: 1 } })
      await client.receive('publish')
    }
    assert.equal(await isPresent(await connectRaw(b, { deviceId: 'pump-2' }, STORED)), true)
    assert.equal(await isPresent(await connectRaw(b, agent, { clean: true })), false)
  })
  await withHub(async (b) => {
    assert.equal(await isPresent(await connectRaw(b, pump, STORED)), true)
    assert.equal(await isPresent(await connectRaw(b, agent, STORED)), false)
  })
  await rm(folder, { recursive: true })
})

test('session: SUBACK and UNSUBACK of a persistent one wait until that is durable', async () => {
  const registry = new SlowRegistry()
  await using b = bench({ registry })
  const client = await connectRaw(b, pump, STORED)
  await settled(client)
  registry.isSlow = true
  client.subscribe(DESIRED_CHANGES)
  await until(() => registry.waiting.length === 1, 'the write')
  await stillOpen(client)
  assert.deepEqual(kinds(client), ['connack', 'pingresp'])
  registry.commit()
  await client.receive('suback')
  client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [DESIRED_CHANGES] })
  await until(() => registry.waiting.length === 1, 'the write')
  await stillOpen(client)
  assert.deepEqual(kinds(client), ['connack', 'pingresp', 'suback'])
  registry.commit()
  await client.receive('unsuback')
})

test('session: subscriptions that cannot be stored are not acknowledged', async () => {
  const registry = new MemoryRegistry()
  await using b = bench({ registry })
  const client = await connectRaw(b, pump, STORED)
  await settled(client)
  registry.change = () => Promise.reject(new Error('the disk is full'))
  client.subscribe(DESIRED_CHANGES)
  await client.closed()
  assert.deepEqual(kinds(client), ['connack', 'pingresp'])
})

test('session: a device that comes back as it was costs no write', async () => {
  const registry = new MemoryRegistry()
  const { change } = registry
  let writes = 0
  registry.change = (ref, decide) =>
    change.call(registry, ref, (entry) => {
      const next = decide(entry)
      if (next !== entry) writes++
      return next
    })
  await using b = bench({ registry })
  for (const clean of [false, true]) {
    for (let round = 0; round < 4; round++) {
      const client = await connectRaw(b, pump, { clean })
      client.subscribe(TWIN_RESPONSES)
      client.subscribe(DESIRED_CHANGES)
      await client.receive('suback', 2)
      if (round === 0) writes = 0
    }
    assert.equal(writes, 0)
  }
})

test('session: it moves no etag of the identity', async () => {
  await using b = bench()
  await b.hub.keyOf(pump)
  const { etag } = (await b.hub.identities.get(pump)).identity
  const client = await connectRaw(b, pump, STORED)
  client.subscribe(C2D)
  await client.receive('suback')
  assert.equal((await b.hub.identities.get(pump)).identity.etag, etag)
})

test('session: an identity that was made anew has none', async () => {
  await using b = bench()
  await connectRaw(b, pump, STORED)
  await b.hub.identities.remove(pump, '*')
  assert.equal(await isPresent(await connectRaw(b, pump, STORED)), false)
})

test('session: an update of the identity leaves it alone', async () => {
  await using b = bench()
  await connectRaw(b, pump, STORED)
  await b.hub.identities.update(pump, { statusReason: 'x' }, '*')
  assert.equal(await isPresent(await connectRaw(b, pump, STORED)), true)
})

test('take-over: the newer CONNECT wins even when its check is over first', async () => {
  await using b = bench()
  const { connect } = b.hub.authenticator
  const packet = await connectPacket(b.hub, pump)
  let finishFirst = () => {}
  b.hub.authenticator.connect = async (...args) => {
    b.hub.authenticator.connect = connect
    await new Promise<void>((resolve) => {
      finishFirst = resolve
    })
    return connect.apply(b.hub.authenticator, args)
  }
  const first = openRaw(b)
  first.send(packet)
  await until(() => b.hub.authenticator.connect === connect, 'the first check')
  const second = await connectRaw(b, pump)
  finishFirst()
  await first.closed()
  assert.deepEqual(kinds(first), [])
  await settled(second)
  assert.equal(b.hub.sessions.count, 1)
})

test('take-over: who connects again while its older connection says goodbye is let in, every time', async () => {
  await using b = bench()
  let last: RawClient | undefined
  for (let round = 0; round < 50; round++) {
    const client = openRaw(b)
    client.send(await connectPacket(b.hub, pump, STORED))
    if (round % 3 === 0) last?.send({ cmd: 'disconnect' })
    else if (round % 3 === 1) last?.stream.destroy()
    await client.receive('connack')
    last = client
  }
  assert.ok(last)
  last.publish(EVENTS, 'x', 1)
  await last.receive('puback')
  await until(() => b.gateway.connectionCount === 1, 'the end of the others')
  assert.equal(b.hub.sessions.count, 1)
})

test('take-over: of many connections at once the last one stays', async () => {
  await using b = bench()
  const packet = await connectPacket(b.hub, pump)
  const clients = Array.from({ length: 20 }, () => openRaw(b))
  for (const client of clients) client.send(packet)
  await Promise.all(clients.slice(0, -1).map((client) => client.closed()))
  const last = clients.at(-1)
  assert.ok(last)
  await settled(last)
  assert.equal(b.hub.sessions.count, 1)
})

test('take-over: a module leaves its device and its siblings alone, and they leave it', async () => {
  await using b = bench()
  const others = [pump, agent, { ...agent, moduleId: 'other' }, { deviceId: 'pump-10' }]
  const clients: RawClient[] = []
  for (const ref of others) clients.push(await connectRaw(b, ref))
  const again = await connectRaw(b, agent)
  await clients[1]?.closed()
  for (const client of [clients[0], clients[2], clients[3], again]) {
    assert.ok(client)
    await settled(client)
  }
})

async function isPresent(client: RawClient): Promise<boolean | undefined> {
  const [connack] = await client.receive('connack')
  return connack?.sessionPresent
}

function kinds({ packets }: RawClient): readonly string[] {
  return packets.map(({ cmd }) => cmd)
}

/** Changes at once, and says so only when the test lets it. */
class SlowRegistry extends MemoryRegistry {
  isSlow = false
  readonly waiting: (() => void)[] = []

  override async change(ref: DeviceRef, decide: (entry: Entry) => Entry) {
    const entry = await super.change(ref, decide)
    if (this.isSlow) await new Promise<void>((resolve) => this.waiting.push(resolve))
    return entry
  }

  commit(): void {
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}
