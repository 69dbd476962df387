import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { CloudMessage, DeviceRef } from '@twinward/protocol'
import { MESSAGE_LOCK_MS } from '../../src/messages/cloud-messages.ts'
import { FEEDBACK_GATHER_MS } from '../../src/messages/feedback.ts'
import {
  type AmqpTestHub,
  attachReceiver,
  attachSender,
  connectRaw,
  detached,
  deviceToken,
  policyToken,
  putToken,
  type RawClient,
  receive,
  rhea,
  type Session,
  send,
  startAmqpHub,
} from '../amqp-hub.ts'
import { TestClock } from '../clock.ts'
import { until } from '../hub.ts'

const PUMP = { deviceId: 'pump-1' }
const APP = { deviceId: 'pump-1', moduleId: 'app' }
const EVENTS = '/devices/pump-1/messages/events'
const C2D = '/devices/pump-1/messages/devicebound'
const BATCH = 0x80013700
const CALL = { payload: null, responseTimeoutMs: 5000, connectTimeoutMs: 5000 }

/** A message as its bytes; rhea's types know less than rhea. */
function encoded(message: object): Buffer {
  return rhea.message.encode(message)
}

function data(text: string | Buffer) {
  return rhea.message.data_section(Buffer.from(text))
}

async function start(ref: DeviceRef = PUMP, options = {}): Promise<Bench> {
  const hub = await startAmqpHub(options)
  const client = await connectRaw(hub)
  const session = client.session()
  const path = ref.moduleId ? `pump-1/modules/${ref.moduleId}` : 'pump-1'
  await putToken(session, `localhost/devices/${path}`, await deviceToken(hub, ref))
  return {
    ...{ hub, client, session },
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await hub[Symbol.asyncDispose]()
    },
  }
}

interface Bench extends AsyncDisposable {
  readonly hub: AmqpTestHub
  readonly client: RawClient
  readonly session: Session
}

function cloudMessage(text: string, parts: Partial<CloudMessage> = {}): CloudMessage {
  return { system: {}, ack: 'none', application: {}, body: Buffer.from(text), ...parts }
}

test('telemetry: a batch of C or C# is stored as the messages it holds, or not at all', async () => {
  await using b = await start()
  const sender = await attachSender(b.session, EVENTS)
  const batch = (...messages: readonly object[]) =>
    encoded({ body: rhea.message.data_sections(messages.map(encoded)) }).subarray(0)
  const part = (text: string) => ({
    application_properties: { n: text },
    message_annotations: { 'iothub-interface-id': 'urn:x', 'x-opt-whatever': 1 },
    body: data(text),
  })
  const bytes = stripEmptySections(batch(part('a'), part('b')))
  assert.equal(await send(sender, bytes, BATCH), 'accepted')
  const stored = await b.hub.messages()
  assert.deepEqual(
    stored.map(({ application, body, system }) => [
      application.n,
      String(body),
      system.interfaceId,
    ]),
    [
      ['a', 'a', 'urn:x'],
      ['b', 'b', 'urn:x'],
    ],
  )
  const stranger = { ...part('c'), to: '/devices/other/messages/events' }
  const mixed = stripEmptySections(batch(part('d'), stranger))
  assert.equal(await send(sender, mixed, BATCH), 'com.microsoft:argument-error')
  const large = { body: data(Buffer.alloc(140_000)) }
  const tooLarge = await send(sender, stripEmptySections(batch(large, large)), BATCH)
  assert.equal(tooLarge, 'amqp:link:message-size-exceeded')
  assert.equal((await b.hub.messages()).length, 2)
})

test('telemetry: ids of every type, several data sections, and properties of the hub', async () => {
  await using b = await start()
  const sender = await attachSender(b.session, EVENTS)
  const id = Buffer.from('0f0e0d0c0b0a09080706050403020100', 'hex')
  await send(sender, {
    ...{ message_id: id, correlation_id: 12, user_id: Buffer.from('me'), to: EVENTS },
    ...{ content_type: 'text/plain', creation_time: 1_700_000_000_000 },
    absolute_expiry_time: 1_800_000_000_000,
    application_properties: { n: 5, yes: true, nothing: null, 'iothub-outputname': 'out' },
    message_annotations: { 'dt-subject': 'thermostat' },
    body: rhea.message.data_sections([Buffer.from('one '), Buffer.from('two')]),
  })
  const [stored] = await b.hub.messages()
  assert.equal(String(stored?.body), 'one two')
  assert.deepEqual(stored?.application, { n: '5', yes: 'true', nothing: null })
  assert.deepEqual(stored?.system, {
    messageId: '0f0e0d0c-0b0a-0908-0706-050403020100',
    correlationId: '12',
    userId: 'me',
    contentType: 'text/plain',
    expiryTimeUtc: '2027-01-15T08:00:00.000Z',
    creationTimeUtc: '2023-11-14T22:13:20.000Z',
    outputName: 'out',
    component: 'thermostat',
  })
})

test('telemetry: what is malformed is rejected with amqp:decode-error and the link goes on', async () => {
  await using b = await start()
  const sender = await attachSender(b.session, EVENTS)
  for (const bytes of ['ff', '00', '0053754005', '005375a1026162', '005373c00102']) {
    const condition = await send(sender, Buffer.from(bytes, 'hex'), 0)
    assert.equal(condition, 'amqp:decode-error', bytes)
  }
  assert.equal(await send(sender, { body: 'fine' }), 'accepted')
})

test('telemetry: a thousand messages pass by the credit, in order', async () => {
  await using b = await start()
  const sender = await attachSender(b.session, EVENTS)
  const answers: Promise<string>[] = []
  const fill = () => {
    while (answers.length < 1000 && sender.sendable()) {
      answers.push(send(sender, { body: data(String(answers.length)) }))
    }
  }
  sender.on('sendable', fill)
  fill()
  await until(() => answers.length === 1000)
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['accepted']))
  const stored = (await b.hub.messages()).map(({ body }) => Number(String(body)))
  assert.deepEqual(
    stored,
    Array.from({ length: 1000 }, (_, n) => n),
  )
})

test('twin: answers have an int status, a long version and the correlation id with its type', async () => {
  await using b = await start()
  const properties = { 'com.microsoft:channel-correlation-id': `twin:${randomUUID()}` }
  const options = { properties, snd_settle_mode: 1 }
  const receiver = await attachReceiver(b.session, '/devices/pump-1/twin', options)
  const sender = await attachSender(b.session, '/devices/pump-1/twin', options)
  const ask = async (annotations: object, correlation: unknown, body?: unknown) => {
    const answer = receive(receiver)
    sender.send({
      correlation_id: correlation as string,
      message_annotations: annotations,
      body,
    } as never)
    return (await answer)[0]?.message
  }
  const java = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  const got = await ask({ operation: 'GET' }, java)
  assert.deepEqual(got?.correlation_id, java)
  assert.equal(got?.message_annotations?.status, 200)
  assert.deepEqual(JSON.parse(String(got?.body.content)), {
    desired: { $version: 1 },
    reported: { $version: 1 },
  })
  const reported = { operation: 'PATCH', resource: '/properties/reported' }
  const patched = await ask(reported, 'patch-1', data('{"fw":"1.1"}'))
  assert.deepEqual(
    [patched?.correlation_id, patched?.message_annotations, patched?.body.content.length],
    ['patch-1', { status: 200, version: 2 }, 0],
  )
  const stale = await ask({ ...reported, version: 1 }, 'patch-2', data('{"fw":"1.2"}'))
  assert.equal(stale?.message_annotations?.status, 412)
  assert.equal(JSON.parse(String(stale?.body.content)).errorCode, 412001)
  for (const [annotations, body] of [
    [reported, 'no JSON'],
    [reported, '[]'],
    [{ ...reported, version: 'x' }, '{}'],
    [{ operation: 'PATCH', resource: '/properties/desired' }, '{}'],
    [{ operation: 'DANCE' }, ''],
    [{}, ''],
  ] as const) {
    const refused = await ask(annotations, 'bad', data(body))
    assert.equal(refused?.correlation_id, 'bad')
    assert.equal(refused?.message_annotations?.status, 400, JSON.stringify([annotations, body]))
    assert.equal(typeof JSON.parse(String(refused?.body.content)).message, 'string')
  }
})

test('twin: changes come to every channel that asked for them, in order, until it says no more', async () => {
  await using b = await start()
  const channel = async (session: Session) => {
    const receiver = await attachReceiver(session, '/devices/pump-1/twin')
    return { receiver, sender: await attachSender(session, '/devices/pump-1/twin') }
  }
  const [one, two] = [await channel(b.session), await channel(b.client.session())]
  const resource = '/notifications/twin/properties/desired'
  for (const { sender, receiver } of [one, two]) {
    const answer = receive(receiver)
    sender.send({
      correlation_id: 'put',
      message_annotations: { operation: 'PUT', resource },
    } as never)
    assert.equal((await answer)[0]?.message?.message_annotations?.status, 200)
  }
  const both = [receive(one.receiver, 5), receive(two.receiver, 5)]
  for (let n = 0; n < 5; n++) await b.hub.twins.patch(PUMP, { desired: { n } })
  for (const contexts of await Promise.all(both)) {
    assert.deepEqual(
      contexts.map(({ message }) => JSON.parse(String(message?.body.content))),
      [0, 1, 2, 3, 4].map((n) => ({ n, $version: n + 2 })),
    )
    const [first] = contexts
    assert.equal(first?.message?.correlation_id, undefined)
    assert.deepEqual(first?.message?.message_annotations, {
      resource: '/properties/desired',
      version: 2,
    })
  }
  const answer = receive(one.receiver)
  one.sender.send({
    correlation_id: 'off',
    message_annotations: { operation: 'DELETE', resource },
  } as never)
  assert.equal((await answer)[0]?.message?.correlation_id, 'off')
  const next = receive(two.receiver)
  await b.hub.twins.patch(PUMP, { desired: { n: 9 } })
  assert.equal(JSON.parse(String((await next)[0]?.message?.body.content)).n, 9)
})

test('methods: a call has a uuid, its name and a data section; a channel is two links', async () => {
  await using b = await start(APP)
  const address = '/devices/pump-1/modules/app/methods/devicebound'
  const receiver = await attachReceiver(b.session, address)
  assert.equal(b.hub.sessions.find(APP)?.takesMethods, false)
  const sender = await attachSender(b.session, address)
  const asked = receive(receiver, 2)
  const calls = [1, 2].map((payload) =>
    b.hub.methods.invoke(APP, { ...CALL, name: 'Re boot', payload }),
  )
  const contexts = await asked
  // Answers in the other order; one with a uuid, one with its text.
  for (const [n, { message }] of [...contexts.entries()].reverse()) {
    assert.equal(message?.application_properties?.['IoThub-methodname'], 'Re boot')
    const id = message?.correlation_id as unknown as Buffer
    assert.equal(id.length, 16)
    const text = rhea.uuid_to_string(id)
    const correlation_id = n === 0 ? (id as never) : text
    const status = { 'IoThub-status': rhea.types.wrap_int(200 + n) }
    sender.send({ correlation_id, application_properties: status, body: data(`[${n}]`) } as never)
  }
  assert.deepEqual(await Promise.all(calls), [
    { status: 200, payload: '[0]' },
    { status: 201, payload: '[1]' },
  ])
  receiver.close()
  await until(() => b.hub.sessions.find(APP)?.takesMethods === false)
})

test('c2d: a delivery has a GUID as its tag, which is the lock token, and all properties', async () => {
  await using b = await start()
  const receiver = await attachReceiver(b.session, C2D)
  await b.hub.cloudMessages.send(PUMP, {
    system: { messageId: 'm', correlationId: 'c', userId: 'u', contentType: 'text/plain' },
    ack: 'full',
    application: { colour: 'red', none: null },
    body: Buffer.from('hello'),
  })
  const [context] = await receive(receiver)
  const { message, delivery } = context ?? {}
  assert.equal(delivery?.tag.length, 16)
  const annotations = message?.message_annotations
  const token = String(annotations?.['x-opt-lock-token'])
  assert.equal(token.replaceAll('-', ''), Buffer.from(delivery?.tag as never).toString('hex'))
  assert.equal(annotations?.['iothub-deliverycount'], 0)
  assert.ok(annotations?.['x-opt-sequence-number'] > 0)
  assert.ok(annotations?.['iothub-enqueuedtime'] > 0)
  assert.deepEqual(message?.application_properties, {
    'iothub-ack': 'full',
    colour: 'red',
    none: null,
  })
  assert.deepEqual(
    [message?.to, message?.message_id, message?.correlation_id, String(message?.user_id)],
    ['/devices/pump-1/messages/deviceBound', 'm', 'c', 'u'],
  )
  assert.equal(String(message?.body.content), 'hello')
})

test('c2d: accepted completes, rejected dead-letters, released and modified come again and count', async () => {
  await using b = await start()
  const receiver = await attachReceiver(b.session, C2D)
  await b.hub.cloudMessages.send(PUMP, cloudMessage('x', { ack: 'full' }))
  for (const [n, settle] of ['release', 'modified', 'release', 'reject'].entries()) {
    const [context] = await receive(receiver)
    assert.equal(context?.message?.message_annotations?.['iothub-deliverycount'], n)
    const delivery = context?.delivery as unknown as { [name: string]: (params?: object) => void }
    delivery[settle]?.(settle === 'modified' ? { delivery_failed: true } : undefined)
  }
  await until(async () => (await b.hub.cloudMessages.count(PUMP)) === 0)
  const feedback = await b.hub.feedback.receive()
  assert.equal(feedback?.records[0]?.status, 'Rejected')
})

test('c2d: nothing is sent without credit, and a drain gives unused credit back', async () => {
  await using b = await start()
  const receiver = await attachReceiver(b.session, C2D)
  let count = 0
  receiver.on('message', () => {
    count++
  })
  for (let n = 0; n < 5; n++) await b.hub.cloudMessages.send(PUMP, cloudMessage(String(n)))
  // An answer on the same connection comes behind whatever was sent before it.
  await putToken(b.session, 'localhost/devices/pump-1', await deviceToken(b.hub, PUMP))
  assert.equal(count, 0)
  const drained = new Promise((resolve) => receiver.once('receiver_drained', resolve))
  ;(receiver as unknown as { drain: boolean }).drain = true
  receiver.add_credit(8)
  await drained
  assert.equal(count, 5)
  assert.equal((receiver as unknown as { credit: number }).credit, 0)
})

test('c2d: a receiver that settles second hears of it, of a lock that was lost too', async () => {
  const clock = new TestClock(Date.now())
  await using b = await start(PUMP, { clock })
  const stop = await b.hub.cloudMessages.start()
  const receiver = await attachReceiver(b.session, C2D, { rcv_settle_mode: 1, autosettle: true })
  await b.hub.cloudMessages.send(PUMP, cloudMessage('x'))
  const settled = () =>
    new Promise<string | undefined>((resolve) => {
      receiver.once('settled', ({ delivery }) => {
        const { error } = (delivery?.remote_state ?? {}) as { error?: { condition: string } }
        resolve(error?.condition)
      })
    })
  const [late] = await receive(receiver)
  clock.advance(MESSAGE_LOCK_MS + 2000)
  const lost = settled()
  late?.delivery?.accept()
  assert.equal(await lost, 'com.microsoft:message-lock-lost')
  const [again] = await receive(receiver)
  const done = settled()
  again?.delivery?.accept()
  assert.equal(await done, undefined)
  assert.equal(await b.hub.cloudMessages.count(PUMP), 0)
  stop()
})

test('c2d: what was not settled when the link went comes to the next one, uncounted', async () => {
  await using b = await start()
  for (const end of ['close', 'session', 'settled in advance'] as const) {
    if (end === 'settled in advance') {
      const receiver = await attachReceiver(b.session, C2D, { snd_settle_mode: 1 })
      const [context] = await receive(receiver)
      assert.equal(context?.message?.message_annotations?.['iothub-deliverycount'], 0)
      await until(async () => (await b.hub.cloudMessages.count(PUMP)) === 0)
      return
    }
    if (end === 'close') await b.hub.cloudMessages.send(PUMP, cloudMessage('x'))
    const session = b.client.session()
    const receiver = await attachReceiver(session, C2D)
    await receive(receiver)
    if (end === 'close') receiver.close()
    else session.close()
  }
})

test('module inputs: the link opens and nothing comes', async () => {
  await using b = await start(APP)
  await attachReceiver(b.session, '/devices/pump-1/modules/app/messages/events')
  const [sender] = [await attachSender(b.session, '/devices/pump-1/modules/app/messages/events')]
  assert.equal(await send(sender, { body: 'x' }), 'accepted')
})

test('service: a message is refused with the condition of what is wrong with it', async () => {
  await using hub = await startAmqpHub()
  await hub.keyOf(PUMP)
  await using client = await connectRaw(hub)
  const session = client.session()
  await putToken(session, 'https://localhost', policyToken(hub, 'service'))
  const sender = await attachSender(session, '/messages/DeviceBound')
  const to = C2D
  for (const [message, expected] of [
    [{ to, body: data('x') }, 'accepted'],
    [{ to: '/devices/pump%2D1/messages/deviceBound', body: 'text' }, 'accepted'],
    [{ to: '/devices/nobody/messages/devicebound' }, 'amqp:not-found'],
    [{ to: '/devices/pump-1/modules/nobody/messages/devicebound' }, 'amqp:not-found'],
    [{ to: '/devices/pump-1/messages/events' }, 'com.microsoft:argument-error'],
    [{ body: data('to nobody') }, 'com.microsoft:argument-error'],
    [{ to, body: data(Buffer.alloc(70_000)) }, 'amqp:link:message-size-exceeded'],
    [{ to, application_properties: { 'iothub-ack': 'maybe' } }, 'com.microsoft:argument-error'],
  ] as const) {
    assert.equal(await send(sender, message), expected, JSON.stringify(message).slice(0, 99))
  }
  assert.equal(await hub.cloudMessages.count(PUMP), 2)
  for (let n = 2; n < 50; n++) assert.equal(await send(sender, { to, body: data('x') }), 'accepted')
  assert.equal(await send(sender, { to, body: data('x') }), 'amqp:resource-limit-exceeded')
})

test('feedback: a batch that is not accepted comes again, and so does one whose reader left', async () => {
  const clock = new TestClock(Date.now())
  await using hub = await startAmqpHub({ clock })
  await hub.keyOf(PUMP)
  await hub.cloudMessages.send(PUMP, cloudMessage('x', { system: { messageId: 'm' }, ack: 'full' }))
  await hub.cloudMessages.purge(PUMP)
  await using client = await connectRaw(hub, {
    username: 'service@sas.root.localhost',
    password: policyToken(hub, 'service'),
  })
  const address = '/messages/serviceBound/feedback'
  const first = await attachReceiver(client.session(), address)
  const [released] = await receive(first)
  const returned = abandoned(hub)
  released?.delivery?.release()
  await returned
  clock.advance(FEEDBACK_GATHER_MS + 2000)
  const [left] = await receive(first)
  assert.ok(left)
  first.close()
  const second = await attachReceiver(client.session(), address)
  const [context] = await receive(second)
  const { message } = context ?? {}
  assert.equal(message?.content_type, 'application/vnd.microsoft.iothub.feedback.json')
  assert.equal(String(message?.user_id), 'localhost')
  const [record] = JSON.parse(String(message?.body.content))
  assert.deepEqual([record.originalMessageId, record.statusCode], ['m', 'Purged'])
  context?.delivery?.accept()
  await until(async () => (await hub.feedback.receive()) === undefined)
})

test('feedback: a reader hears of it at once, then at 64 records or after 15 s', async () => {
  const clock = new TestClock(Date.now())
  await using hub = await startAmqpHub({ clock })
  await hub.keyOf(PUMP)
  await using client = await connectRaw(hub, {
    username: 'service@sas.root.localhost',
    password: policyToken(hub, 'service'),
  })
  const address = '/messages/serviceBound/feedback'
  const receiver = await attachReceiver(client.session(), address, { autoaccept: true })
  const sizes: number[] = []
  receiver.on('message', ({ message }) => {
    sizes.push(JSON.parse(String(message?.body.content)).length)
  })
  receiver.add_credit(10)
  const record = async (count: number) => {
    for (let n = 0; n < count; n++) {
      await hub.cloudMessages.send(PUMP, cloudMessage('x', { ack: 'full' }))
    }
    await hub.cloudMessages.purge(PUMP)
  }
  // An answer on the same connection comes behind whatever was sent before it.
  const seen = async () => {
    await putToken(client.session(), 'localhost', policyToken(hub, 'service'))
    return sizes
  }
  assert.deepEqual(await seen(), [])
  await record(1)
  await until(() => sizes.length === 1)
  await record(40)
  assert.deepEqual(await seen(), [1])
  await record(30)
  await until(() => sizes.length === 2)
  assert.deepEqual(await seen(), [1, 64])
  clock.advance(FEEDBACK_GATHER_MS + 2000)
  await until(() => sizes.length === 3)
  assert.deepEqual(sizes, [1, 64, 6])
})

/** Resolves when a batch went back to the queue. */
function abandoned({ bus }: AmqpTestHub): Promise<void> {
  return new Promise((resolve) => {
    const stop = bus.subscribe(({ kind }) => {
      if (kind !== 'feedback-waiting') return
      stop()
      resolve()
    })
  })
}

test('file notifications: the link opens and nothing comes', async () => {
  await using hub = await startAmqpHub()
  await using client = await connectRaw(hub)
  const session = client.session()
  await putToken(session, 'localhost', policyToken(hub, 'service'))
  const receiver = await attachReceiver(session, '/messages/serviceBound/fileNotifications')
  const drained = new Promise((resolve) => receiver.once('receiver_drained', resolve))
  ;(receiver as unknown as { drain: boolean }).drain = true
  receiver.add_credit(1)
  await drained
})

test('limits: a peer that takes answers without credit for them loses that link', async () => {
  await using b = await start()
  const receiver = await attachReceiver(b.session, '/devices/pump-1/twin')
  const sender = await attachSender(b.session, '/devices/pump-1/twin')
  const gone = detached(receiver)
  for (let n = 0; n < 70; n++) {
    sender.send({
      correlation_id: randomBytes(4).toString('hex'),
      message_annotations: { operation: 'GET' },
    } as never)
  }
  assert.equal(await gone, 'amqp:resource-limit-exceeded')
  await attachReceiver(b.session, C2D)
})

/** rhea writes a header and properties into everything; a batch has data sections alone. */
function stripEmptySections(bytes: Buffer): Buffer {
  const at = bytes.indexOf(Buffer.from('005375', 'hex'))
  return bytes.subarray(at)
}
