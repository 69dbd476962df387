import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { formatSas } from '@twinward/protocol'
import { partitionOf } from '../../src/messages/partition.ts'
import { MAX_READERS_PER_PARTITION } from '../../src/messages/reader-admission.ts'
import {
  type AmqpTestHub,
  attachReceiver,
  attachSender,
  connectRaw,
  detached,
  policyToken,
  putToken,
  type Receiver,
  receive,
  rhea,
  type Session,
  startAmqpHub,
} from '../amqp-hub.ts'
import { until } from '../hub.ts'

// Written from Event Hubs' protocol, as clients other than Microsoft's for Node speak it (10 §6).

const PUMP = { deviceId: 'pump-1' }
const PARTITION = partitionOf('pump-1')
const OTHER_PARTITION = (PARTITION + 1) % 4
const ADDRESS = `messages/events/ConsumerGroups/$Default/Partitions/${PARTITION}`
const SELECTOR = 'apache.org:selector-filter:string'
const CREDENTIAL = {
  generationId: '1',
  authMethod: '{"scope":"device"}',
  expiresAtMs: Number.MAX_SAFE_INTEGER,
  identityEtag: 1,
}
const { types } = rhea

function keyOf(hub: AmqpTestHub, policy: string): string {
  return hub.policies.find(({ name }) => name === policy)?.primaryKey ?? ''
}

async function store(hub: AmqpTestHub, from: number, to: number, sizeBytes = 0): Promise<void> {
  for (let n = from; n < to; n++) {
    const body = Buffer.from(String(n).padEnd(sizeBytes))
    await hub.telemetry.accept({ ref: PUMP, system: {}, application: {}, body }, CREDENTIAL)
  }
}

/** The C SDK's way: SASL PLAIN with the policy's name and its key. */
function connectAsC(hub: AmqpTestHub, policy = 'service', password = keyOf(hub, policy)) {
  return connectRaw(hub, { username: policy, password })
}

function from(expression: string) {
  return {
    [SELECTOR]: types.wrap_described(types.wrap_string(expression), 0x468c00000004),
  }
}

function attach(
  session: Session,
  expression = "amqp.annotation.x-opt-offset > '-1'",
  { address = ADDRESS, ...more }: Record<string, unknown> & { address?: string } = {},
): Promise<Receiver> {
  return attachReceiver(session, address, {
    source: { address, filter: from(expression) },
    ...more,
  })
}

const epoch = (level: number) => ({
  properties: { 'com.microsoft:epoch': types.wrap_long(level) },
})

/** The bodies of the next `count` messages. */
async function take(receiver: Receiver, count: number): Promise<readonly string[]> {
  const contexts = await receive(receiver, count)
  return contexts.map(({ message }) => message?.body.content.toString().trimEnd())
}

const texts = (start: number, end: number) =>
  Array.from({ length: end - start }, (_, index) => String(start + index))

test('PLAIN with a policy and its key: events come with everything the hub knows of them', async () => {
  await using hub = await startAmqpHub()
  await hub.keyOf(PUMP)
  const system = {
    messageId: 'm-1',
    correlationId: 'c-1',
    userId: 'u-1',
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    creationTimeUtc: '2026-01-01T00:00:00.000Z',
    expiryTimeUtc: '2036-01-01T00:00:00.000Z',
    outputName: 'out',
    component: 'thermostat',
  }
  const body = Buffer.from('{"t":21}')
  const application = { colour: 'red', nothing: null }
  const ref = { ...PUMP, moduleId: 'app' }
  await hub.telemetry.accept({ ref, system, application, body }, CREDENTIAL)
  await using client = await connectAsC(hub)
  const receiver = await attach(client.session())
  const [context] = await receive(receiver)
  const { message, delivery } = context ?? {}
  assert.ok(message && delivery?.remote_settled)
  assert.deepEqual(message.body.content, body)
  assert.deepEqual(message.application_properties, {
    ...{ colour: 'red', nothing: null },
    ...{ 'iothub-outputname': 'out', 'iothub-creation-time-utc': '2026-01-01T00:00:00.000Z' },
  })
  assert.deepEqual([message.message_id, message.correlation_id], ['m-1', 'c-1'])
  assert.equal(message.user_id?.toString(), 'u-1')
  assert.deepEqual([message.content_type, message.content_encoding], ['application/json', 'utf-8'])
  assert.equal(message.creation_time?.valueOf(), Date.parse(system.creationTimeUtc))
  assert.equal(message.absolute_expiry_time?.valueOf(), Date.parse(system.expiryTimeUtc))
  const annotations = { ...message.message_annotations }
  const times = ['x-opt-enqueued-time', 'iothub-enqueuedtime'].map((name) => {
    const time = Number(annotations[name])
    delete annotations[name]
    return time
  })
  assert.ok(times[0] === times[1] && Math.abs(Date.now() - Number(times[0])) < 60_000)
  assert.deepEqual(annotations, {
    'x-opt-sequence-number': 1,
    'x-opt-offset': '1',
    'x-opt-partition-key': 'pump-1',
    'iothub-connection-device-id': 'pump-1',
    'iothub-connection-module-id': 'app',
    'iothub-connection-auth-method': '{"scope":"device"}',
    'iothub-connection-auth-generation-id': '1',
    'iothub-message-source': 'Telemetry',
    'dt-subject': 'thermostat',
  })
})

test('the same events are read under every name of the entity, with or without scheme and slash', async () => {
  await using hub = await startAmqpHub({ hostNames: ['plant.example.net', 'localhost'] })
  await store(hub, 0, 1)
  await using client = await connectAsC(hub)
  const rest = `ConsumerGroups/$Default/Partitions/${PARTITION}`
  for (const address of [
    `/messages/events/${rest}`,
    `amqps://localhost:${hub.port}/Messages/Events/${rest}/`,
    `plant/${rest}`,
    `plant.example.net/consumergroups/$default/partitions/${PARTITION}`,
    `localhost/ConsumerGroups/%24Default/Partitions/${PARTITION}`,
  ]) {
    const receiver = await attach(client.session(), undefined, { address })
    assert.deepEqual(await take(receiver, 1), ['0'], address)
  }
})

test('what there is not to read is amqp:not-found, or an error that says what is wrong', async () => {
  await using hub = await startAmqpHub()
  await using client = await connectAsC(hub)
  const session = client.session()
  const missing = { name: 'amqp:not-found' }
  for (const address of [
    'another/ConsumerGroups/$Default/Partitions/0',
    'messages/events',
    'messages/events/ConsumerGroups/$Default',
    'messages/events/ConsumerGroups/nobodys/Partitions/0',
    'another/$management',
  ]) {
    await assert.rejects(attach(session, undefined, { address }), missing, address)
  }
  await assert.rejects(attachSender(session, ADDRESS), missing)
  const argument = { name: 'com.microsoft:argument-error' }
  const address = 'messages/events/ConsumerGroups/$Default/Partitions/4'
  await assert.rejects(attach(session, undefined, { address }), argument)
  await assert.rejects(attach(session, "amqp.annotation.x-opt-publisher > '1'"), argument)
  await assert.rejects(attach(session, "amqp.annotation.x-opt-offset > '5'"), argument)
  const source = { address: ADDRESS, filter: { 'apache.org:no-local-filter:list': 'x' } }
  const refused = session.open_receiver({ source, credit_window: 0 })
  await detached(refused)
  assert.match(String((refused.error as { description?: string }).description), /no-local-filter/)
  await assert.rejects(attach(session, undefined, epoch(-1)), argument)
})

test("Explorer's way: a link with IoT Hub's login is sent on to where Event Hubs' login is served", async () => {
  await using hub = await startAmqpHub({ hostNames: ['plant.example.net', 'localhost'] })
  await store(hub, 0, 3)
  await using client = await connectRaw(hub, {
    username: 'service@sas.root.plant',
    password: policyToken(hub, 'service'),
    hostname: 'localhost',
  })
  const session = client.session()
  const rest = `ConsumerGroups/$Default/Partitions/${PARTITION}`
  for (const [path, below] of [
    [`/messages/events/${rest}`, rest],
    ['/messages/events/$management', '$management'],
  ] as const) {
    const source = { address: `amqps://localhost:${hub.port}${path}` }
    const link = session.open_receiver({ source, credit_window: 0 })
    assert.equal(await detached(link), 'amqp:link:redirect')
    const { info } = link.error as unknown as { info: Record<string, unknown> }
    assert.deepEqual(info, {
      hostname: 'localhost',
      'network-host': 'localhost',
      port: hub.port,
      address: `amqps://localhost:${hub.port}/plant/${below}`,
    })
  }
  await using redirected = await connectAsC(hub)
  const receiver = await attach(redirected.session(), undefined, {
    address: `amqps://localhost:${hub.port}/plant/${rest}`,
  })
  assert.deepEqual(await take(receiver, 3), texts(0, 3))
})

test("CBS: the plain host is IoT Hub's login, an event hub's URL is Event Hubs', by either form of the key", async () => {
  await using hub = await startAmqpHub()
  await store(hub, 0, 1)
  await using plain = await connectRaw(hub)
  const session = plain.session()
  assert.equal((await putToken(session, 'localhost', policyToken(hub, 'service'))).status, 200)
  await assert.rejects(attach(session), { name: 'amqp:link:redirect' })
  const url = `sb://localhost:${hub.port}/${ADDRESS}`
  const expiresAtS = Math.floor(Date.now() / 1000) + 3600
  for (const [form, key] of [
    ['text', Buffer.from(keyOf(hub, 'service'))],
    ['bytes', Buffer.from(keyOf(hub, 'service'), 'base64')],
  ] as const) {
    const sign = (text: string) => createHmac('sha256', key).update(text).digest('base64')
    const token = formatSas(url, expiresAtS, sign, 'service')
    await using reader = await connectRaw(hub)
    const own = reader.session()
    assert.equal((await putToken(own, url, token)).status, 200, form)
    assert.deepEqual(await take(await attach(own), 1), ['0'])
    const elsewhere = attach(own, undefined, {
      address: ADDRESS.replace(/\d$/, String(OTHER_PARTITION)),
    })
    await assert.rejects(elsewhere, { name: 'amqp:unauthorized-access' })
    // It reads events and opens nothing else.
    await assert.rejects(
      Promise.race([
        attachSender(own, '/messages/devicebound'),
        new Promise((_, reject) => setImmediate(() => setImmediate(reject, new Error('waits')))),
      ]),
    )
    const wrong = await putToken(own, 'localhost', token)
    assert.equal(wrong.status, 401, `${form}: not as a token for the hub`)
  }
})

test('rights: reading takes ServiceConnect, reading security messages RegistryRead as well', async () => {
  await using hub = await startAmqpHub()
  const system = { interfaceId: 'urn:azureiot:Security:SecurityAgent:1' }
  const body = Buffer.from('security')
  await hub.telemetry.accept({ ref: PUMP, system, application: {}, body }, CREDENTIAL)
  await store(hub, 0, 1)
  const refused = { name: 'amqp:unauthorized-access' }
  for (const policy of ['device', 'registryRead', 'registryReadWrite']) {
    await using client = await connectAsC(hub, policy)
    await assert.rejects(attach(client.session()), refused, policy)
  }
  await assert.rejects(connectAsC(hub, 'service', keyOf(hub, 'iothubowner')))
  const address = 'messages/events/ConsumerGroups/$security/Partitions/0'
  await using service = await connectAsC(hub, 'service')
  await assert.rejects(attach(service.session(), undefined, { address }), refused)
  await using owner = await connectAsC(hub, 'iothubowner')
  const security = await attach(owner.session(), undefined, { address })
  assert.deepEqual(await take(security, 1), ['security'])
  const all = await Promise.all(
    ['0', '1', '2', '3'].map(async (id) => {
      const telemetry = await attach(owner.session(), undefined, {
        address: `messages/events/ConsumerGroups/$Default/Partitions/${id}`,
      })
      const events: string[] = []
      telemetry.on('message', ({ message }) => events.push(String(message?.body.content)))
      telemetry.drain = true
      telemetry.add_credit(10)
      await new Promise((resolve) => telemetry.once('receiver_drained', resolve))
      return events
    }),
  )
  assert.deepEqual(all.flat(), ['0'])
})

test('slow, silent and vanished readers lose nothing and hold nobody up', async () => {
  await using hub = await startAmqpHub()
  await using slowClient = await connectAsC(hub)
  await using silentClient = await connectAsC(hub)
  const vanishing = await connectAsC(hub)
  await using quickClient = await connectAsC(hub)
  const start = "amqp.annotation.x-opt-offset > '@latest'"
  const slow = await attach(slowClient.session(), start)
  const silent = await attach(silentClient.session(), start)
  const gone = await attach(vanishing.session(), start)
  const quick = await attach(quickClient.session(), start)
  silent.on('message', () => {})
  silent.add_credit(500)
  gone.add_credit(1000)
  const quickly = take(quick, 300)
  await store(hub, 0, 20, 50_000)
  const { socket } = vanishing.connection as unknown as {
    socket: { destroy(error: Error): void }
  }
  socket.destroy(new Error('the reader has vanished'))
  await store(hub, 20, 300, 50_000)
  assert.deepEqual(await quickly, texts(0, 300))
  for (let n = 0; n < 25; n++) assert.deepEqual(await take(slow, 1), [String(n)])
  assert.deepEqual(await take(slow, 275), texts(25, 300))
  await until(() => hub.events.count === 3, 'the place of the vanished reader')
  const again = await attach(quickClient.session(), "amqp.annotation.x-opt-sequence-number > '20'")
  assert.deepEqual(await take(again, 280), texts(20, 300))
})

test('a reader that stops reading its socket holds up its own connection alone', async () => {
  await using hub = await startAmqpHub()
  await store(hub, 0, 200, 200_000)
  await using stuckClient = await connectAsC(hub)
  const stuck = await attach(stuckClient.session())
  const { socket } = stuckClient.connection as unknown as {
    socket: { pause(): void; resume(): void }
  }
  const received = take(stuck, 200)
  socket.pause()
  await using client = await connectAsC(hub)
  assert.deepEqual(await take(await attach(client.session()), 200), texts(0, 200))
  assert.equal(hub.gateway.connectionCount, 2)
  socket.resume()
  assert.deepEqual(await received, texts(0, 200))
})

test('several partitions of one connection come on together, however much one has', async () => {
  await using hub = await startAmqpHub()
  await store(hub, 0, 400, 100_000)
  await using client = await connectAsC(hub)
  const full = await attach(client.session())
  let received = 0
  full.on('message', () => received++)
  full.add_credit(400)
  const other = await attach(client.session(), "amqp.annotation.x-opt-offset > '395'")
  const few = await take(other, 5)
  assert.deepEqual(few, texts(395, 400))
  assert.ok(received < 400, 'the last ones of a link that came later were not last of all')
  await until(() => received === 400, 'all of the first link')
})

test('many links of one session come on together, however much each has', async () => {
  await using hub = await startAmqpHub()
  await store(hub, 0, 100, 100_000)
  await using client = await connectAsC(hub)
  const session = client.session()
  const received = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const count = { events: 0 }
      const receiver = await attach(session)
      receiver.on('message', () => count.events++)
      return { receiver, count }
    }),
  )
  for (const { receiver } of received) receiver.add_credit(100)
  await until(() => received.some(({ count }) => count.events === 100), 'the first to have all')
  for (const { count } of received) assert.ok(count.events > 30, `${count.events}`)
  await until(() => received.every(({ count }) => count.events === 100), 'all to have all')
})

test('owner levels: a higher one takes the place, others are refused, and a place that is left is free', async () => {
  await using hub = await startAmqpHub()
  await using client = await connectAsC(hub)
  const session = client.session()
  const stolen = { name: 'amqp:link:stolen' }
  const plain = await attach(session)
  const ended = detached(plain)
  const first = await attach(session, undefined, epoch(0))
  assert.equal(await ended, 'amqp:link:stolen')
  await assert.rejects(attach(session), stolen)
  const firstEnded = detached(first)
  const second = await attach(session, undefined, epoch(5))
  assert.equal(await firstEnded, 'amqp:link:stolen')
  await assert.rejects(attach(session, undefined, epoch(4)), stolen)
  second.close()
  await until(() => hub.events.count === 0, 'the end of the last owner')
  await attach(session, undefined, epoch(1))
})

test('more readers than a partition may have in a group are refused; another group has its own', async () => {
  await using hub = await startAmqpHub()
  await hub.events.groups.put('Plant')
  await using client = await connectAsC(hub)
  const session = client.session()
  for (let n = 0; n < MAX_READERS_PER_PARTITION; n++) await attach(session)
  await assert.rejects(attach(session), { name: 'amqp:resource-limit-exceeded' })
  const address = `messages/events/ConsumerGroups/pLANT/Partitions/${PARTITION}`
  const other = await attach(session, undefined, { address })
  const ended = detached(other)
  await hub.events.removeGroup('plant')
  assert.equal(await ended, 'amqp:not-found')
  await assert.rejects(attach(session, undefined, { address }), { name: 'amqp:not-found' })
})

test('$management: answers in real types, and says what is wrong with a request', async () => {
  await using hub = await startAmqpHub()
  await store(hub, 0, 3)
  await using client = await connectAsC(hub)
  const session = client.session()
  const receiver = await attachReceiver(session, 'messages/events/$management', {
    target: { address: 'answers' },
  })
  const sender = await attachSender(session, 'messages/events/$management')
  const ask = async (properties: Record<string, unknown>) => {
    const answer = receive(receiver)
    sender.send({
      message_id: 7 as never,
      reply_to: 'answers',
      application_properties: properties,
      body: rhea.message.data_section(Buffer.from('[]')),
    })
    const { message } = (await answer)[0] ?? {}
    assert.equal(message?.correlation_id, 7)
    const application = message?.application_properties ?? {}
    return { status: application['status-code'], application, value: message?.body }
  }
  const READ = { operation: 'READ', name: 'messages/events' }
  const hubInfo = await ask({ ...READ, type: 'com.microsoft:eventhub' })
  assert.deepEqual(hubInfo.status, 200)
  const { created_at: created, ...about } = hubInfo.value
  assert.ok(created instanceof Date)
  assert.deepEqual(about, {
    name: 'messages/events',
    type: 'com.microsoft:eventhub',
    partition_count: 4,
    partition_ids: ['0', '1', '2', '3'],
  })
  const type = 'com.microsoft:partition'
  const { value } = await ask({ ...READ, type, partition: String(PARTITION) })
  assert.ok(value.last_enqueued_time_utc instanceof Date)
  assert.equal(value.begin_sequence_number, 1)
  assert.deepEqual([value.last_enqueued_sequence_number, value.last_enqueued_offset], [3, '3'])
  assert.deepEqual([value.is_partition_empty, value.partition], [false, String(PARTITION)])
  const empty = await ask({ ...READ, type, partition: String(OTHER_PARTITION) })
  assert.equal(empty.value.is_partition_empty, true)
  for (const [properties, status, condition] of [
    [{ ...READ, type, partition: '4' }, 400, 'com.microsoft:argument-error'],
    [{ ...READ, type }, 400, 'com.microsoft:argument-error'],
    [{ ...READ, type: 'com.microsoft:moon' }, 400, 'com.microsoft:argument-error'],
    [{ ...READ, operation: 'WRITE' }, 400, 'com.microsoft:argument-error'],
    [{ ...READ, name: 'another', type }, 404, 'amqp:not-found'],
    [{}, 400, 'com.microsoft:argument-error'],
  ] as const) {
    const refused = await ask(properties)
    assert.equal(refused.status, status)
    assert.equal(refused.application['error-condition'], condition)
    assert.notEqual(refused.application['status-description'], '')
  }
})
