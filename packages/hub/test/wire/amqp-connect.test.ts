import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ATTACH_DEADLINE_MS, MAX_TOKENS } from '../../src/gateways/amqp/limits.ts'
import {
  attachReceiver,
  attachSender,
  connectRaw,
  detached,
  deviceToken,
  policyToken,
  putToken,
  receive,
  rhea,
  send,
  startAmqpHub,
} from '../amqp-hub.ts'
import { TestClock } from '../clock.ts'
import { until } from '../hub.ts'

const PUMP = { deviceId: 'pump-1' }
const FAN = { deviceId: 'fan-1' }
const APP = { deviceId: 'pump-1', moduleId: 'app' }
const EVENTS = '/devices/pump-1/messages/events'

for (const name of [
  'localhost%2Fdevices%2Fpump-1',
  'localhost/devices/pump-1',
  'amqps://localhost:5671/devices/pump-1',
  'LOCALHOST/devices/pump-1/',
]) {
  test(`cbs: the audience ${name} is understood`, async () => {
    await using hub = await startAmqpHub()
    await using client = await connectRaw(hub)
    const session = client.session()
    const { status } = await putToken(session, name, await deviceToken(hub, PUMP))
    assert.equal(status, 200)
    const sender = await attachSender(session, EVENTS)
    assert.equal(
      await send(sender, { body: rhea.message.data_section(Buffer.from('x')) }),
      'accepted',
    )
  })
}

test('cbs: the answer has the message id of the request, a number or a text', async () => {
  await using hub = await startAmqpHub()
  await using client = await connectRaw(hub)
  const token = await deviceToken(hub, PUMP)
  for (const id of [7, 'seven']) {
    const session = client.session()
    const answer = await putToken(session, 'localhost/devices/pump-1', token, id)
    assert.deepEqual(answer, { status: 200, correlationId: id })
  }
})

test('cbs: what is refused says why by its status, and the connection goes on', async () => {
  await using hub = await startAmqpHub()
  await using client = await connectRaw(hub)
  const session = client.session()
  const [pump, fan] = [await deviceToken(hub, PUMP), await deviceToken(hub, FAN)]
  const module = await deviceToken(hub, APP)
  for (const [name, token, expected] of [
    ['localhost/devices/pump-1', fan, 401],
    ['localhost/devices/fan-1', pump, 401],
    ['localhost/devices/pump-1', module, 401],
    ['localhost/devices/nobody', pump, 401],
    ['elsewhere/devices/pump-1', pump, 401],
    ['localhost', pump, 401],
    ['', pump, 400],
    ['localhost/devices/pump-1', 'nonsense', 401],
    ['localhost/devices/pump-1', pump, 200],
  ] as const) {
    assert.equal((await putToken(session, name, token)).status, expected, `${name} ${token}`)
  }
})

test('sasl: PLAIN opens the hub to a policy and an identity, with the right secret alone', async () => {
  await using hub = await startAmqpHub()
  const [owner] = hub.policies
  const key = owner?.primaryKey ?? ''
  const service = policyToken(hub)
  const pump = await deviceToken(hub, PUMP)
  for (const [username, password] of [
    ['iothubowner@sas.root.localhost', service],
    ['iothubowner', key],
  ] as const) {
    await using client = await connectRaw(hub, { username, password })
    await attachSender(client.session(), '/messages/devicebound')
  }
  for (const [username, password, address] of [
    ['pump-1@sas.localhost', pump, EVENTS],
    [
      'pump-1/modules/app@sas.localhost',
      await deviceToken(hub, APP),
      '/devices/pump-1/modules/app/twin',
    ],
  ] as const) {
    await using client = await connectRaw(hub, { username, password })
    await attachSender(client.session(), address)
  }
  for (const [username, password] of [
    ['service@sas.root.localhost', service],
    ['iothubowner', Buffer.alloc(32).toString('base64')],
    ['nobody', key],
    ['fan-1@sas.localhost', pump],
    ['pump-1@sas.localhost', 'nonsense'],
  ] as const) {
    await assert.rejects(connectRaw(hub, { username, password }), `${username} came in`)
  }
})

test('sasl: ANONYMOUS opens the connection and nothing on it; EXTERNAL needs a certificate', async () => {
  await using hub = await startAmqpHub()
  await hub.keyOf(PUMP)
  await using client = await connectRaw(hub, { username: 'anybody' })
  const { status } = await putToken(
    client.session(),
    'localhost/devices/pump-1',
    await deviceToken(hub, PUMP),
  )
  assert.equal(status, 200)
  const sasl_mechanisms = rhea.sasl.client_mechanisms() as unknown as {
    enable_external(): void
  }
  sasl_mechanisms.enable_external()
  await assert.rejects(connectRaw(hub, { sasl_mechanisms } as never))
})

test('attach: a link that comes before its token waits for it, and not for ever', async () => {
  const clock = new TestClock(Date.now())
  await using hub = await startAmqpHub({ clock })
  await using client = await connectRaw(hub)
  const token = await deviceToken(hub, PUMP)
  await hub.keyOf(FAN)
  const early = attachSender(client.session(), EVENTS)
  const never = attachSender(client.session(), '/devices/fan-1/messages/events')
  const refused = assert.rejects(never, { name: 'amqp:unauthorized-access' })
  await putToken(client.session(), 'localhost/devices/pump-1', token)
  assert.equal(await send(await early, { body: 'x' }), 'accepted')
  clock.advance(ATTACH_DEADLINE_MS + 1000)
  await refused
  assert.equal(await send(await early, { body: 'x' }), 'accepted')
})

test('tokens: the end of one detaches the links of its identity; a renewal in time keeps them', async () => {
  const clock = new TestClock(Date.now())
  await using hub = await startAmqpHub({ clock })
  await using client = await connectRaw(hub)
  const session = client.session()
  const put = async (deviceId: string, seconds: number) => {
    const token = await deviceToken(hub, { deviceId }, seconds)
    const { status } = await putToken(client.session(), `localhost/devices/${deviceId}`, token)
    assert.equal(status, 200)
  }
  await put('pump-1', 60)
  await put('fan-1', 60)
  const pump = await attachSender(session, EVENTS)
  const fan = await attachSender(session, '/devices/fan-1/messages/events')
  await put('fan-1', 3600)
  const gone = detached(pump)
  // Five minutes of grace for clocks that differ.
  clock.advance(370_000)
  assert.equal(await gone, 'amqp:unauthorized-access')
  await until(() => !hub.sessions.isConnected(PUMP))
  assert.equal(await send(fan, { body: 'x' }), 'accepted')
  assert.equal(hub.sessions.isConnected(FAN), true)
})

test('attach: an address that there is not, or the wrong way round, is amqp:not-found', async () => {
  await using hub = await startAmqpHub()
  await using client = await connectRaw(hub)
  const session = client.session()
  await putToken(session, 'localhost/devices/pump-1', await deviceToken(hub, PUMP))
  const unknown = { name: 'amqp:not-found' }
  for (const address of [
    '/nowhere',
    '/devices/pump-1',
    '/devices/pump-1/messages/devicebound',
    '',
  ]) {
    await assert.rejects(attachSender(session, address), unknown, address)
  }
  await assert.rejects(attachReceiver(session, EVENTS), unknown)
  await assert.rejects(attachReceiver(session, '/messages/devicebound'), unknown)
  await assert.rejects(attachReceiver(session, '/messages/events/nowhere'), unknown)
  const address = 'amqps://localhost:5671/DEVICES/pump-1/Messages/Events/'
  const sender = await attachSender(session, address)
  assert.equal(Number(sender.max_message_size), 262_144)
})

test('attach: each identity needs its own proof; a policy opens what its right allows', async () => {
  await using hub = await startAmqpHub()
  for (const ref of [PUMP, FAN]) await hub.keyOf(ref)
  await using client = await connectRaw(hub)
  const session = client.session()
  assert.equal((await putToken(session, 'localhost', policyToken(hub, 'device'))).status, 200)
  await attachSender(session, EVENTS)
  await attachReceiver(session, '/devices/fan-1/messages/devicebound')
  const refused = { name: 'amqp:unauthorized-access' }
  await assert.rejects(attachSender(session, '/messages/devicebound'), refused)
  await assert.rejects(attachReceiver(session, '/messages/serviceBound/feedback'), refused)
  await assert.rejects(attachSender(session, '/devices/nobody/messages/events'), refused)
  assert.equal(hub.sessions.count, 2)
  await using service = await connectRaw(hub)
  const other = service.session()
  await putToken(other, 'https://localhost', policyToken(hub, 'service'))
  await attachSender(other, '/messages/deviceBound')
  await assert.rejects(attachSender(other, EVENTS), refused)
})

test('multiplexing: many devices share a connection; a take-over costs its device the links alone', async () => {
  await using hub = await startAmqpHub()
  await using shared = await connectRaw(hub)
  const devices = await Promise.all(
    Array.from({ length: 20 }, async (_, n) => {
      const ref = { deviceId: `pump-${n}` }
      const session = shared.session()
      const token = await deviceToken(hub, ref)
      await putToken(session, `localhost/devices/${ref.deviceId}`, token)
      // C# names its links alike in every session.
      const address = `/devices/${ref.deviceId}/messages/events`
      return { ref, sender: await attachSender(session, address, { name: 'telemetry' }) }
    }),
  )
  assert.equal(hub.sessions.count, 20)
  await Promise.all(devices.map(({ sender }) => send(sender, { body: 'x' })))
  const [first, ...others] = devices
  assert.ok(first)
  const stolen = detached(first.sender)
  await using newer = await connectRaw(hub)
  const session = newer.session()
  await putToken(session, 'localhost/devices/pump-0', await deviceToken(hub, first.ref))
  assert.equal(await stolen, 'amqp:link:stolen')
  for (const { sender } of others) assert.equal(await send(sender, { body: 'x' }), 'accepted')
  assert.equal((await hub.messages()).length, 39)
})

test('tokens: beyond 2,048 on a connection one is refused, one that takes the place of another is not', async () => {
  await using hub = await startAmqpHub()
  await using client = await connectRaw(hub)
  const session = client.session()
  // rhea keeps 2,048 deliveries that nobody has accepted, then takes no more.
  const receiver = await attachReceiver(session, '$cbs', { autoaccept: true })
  const sender = await attachSender(session, '$cbs')
  const token = policyToken(hub, 'service')
  const put = async (name: string) => {
    const answer = receive(receiver)
    sender.send({
      ...{ message_id: name, to: '$cbs', reply_to: 'cbs', body: token },
      application_properties: {
        ...{ operation: 'put-token', type: 'servicebus.windows.net:sastoken' },
        name: `localhost/${name}`,
      },
    })
    const [context] = await answer
    // rhea remembers 2,048 deliveries that were not settled here too.
    context?.delivery?.accept()
    const properties = context?.message?.application_properties
    return [properties?.['status-code'], properties?.['error-condition']]
  }
  for (let n = 0; n < MAX_TOKENS; n++) assert.deepEqual(await put(`path-${n}`), [200, undefined])
  assert.deepEqual(await put('one-more'), [403, 'amqp:resource-limit-exceeded'])
  assert.deepEqual(await put('path-7'), [200, undefined])
})

test('tokens: of many that end at their own times, each ends the links it opened', async () => {
  const clock = new TestClock(Date.now())
  await using hub = await startAmqpHub({ clock })
  await using client = await connectRaw(hub)
  const session = client.session()
  const ends: string[] = []
  for (const seconds of [900, 60, 300]) {
    const ref = { deviceId: `pump-${seconds}` }
    const token = await deviceToken(hub, ref, seconds)
    await putToken(session, `localhost/devices/${ref.deviceId}`, token)
    const sender = await attachSender(session, `/devices/${ref.deviceId}/messages/events`)
    void detached(sender).then((condition) => ends.push(`${seconds} ${condition}`))
  }
  // Five minutes of grace for clocks that differ. In between the client is heard of.
  for (const [afterMs, count] of [
    [355_000, 0],
    [10_000, 1],
    [225_000, 1],
    [15_000, 2],
    [300_000, 2],
    [300_000, 3],
  ] as const) {
    clock.advance(afterMs)
    await putToken(session, 'localhost', policyToken(hub, 'device'))
    await until(() => ends.length === count)
  }
  const condition = 'amqp:unauthorized-access'
  assert.deepEqual(ends, [`60 ${condition}`, `300 ${condition}`, `900 ${condition}`])
})

test('credentials: a key that is replaced ends the links it opened', async () => {
  await using hub = await startAmqpHub()
  await using client = await connectRaw(hub)
  const session = client.session()
  await putToken(session, 'localhost/devices/pump-1', await deviceToken(hub, PUMP))
  const sender = await attachSender(session, EVENTS)
  const gone = detached(sender)
  const key = () => Buffer.alloc(32, 7).toString('base64')
  const symmetricKey = { primaryKey: key(), secondaryKey: key() }
  const entry = await hub.registry.find(PUMP)
  assert.ok(entry)
  await hub.identities.update(
    PUMP,
    { authentication: { type: 'sas', ...symmetricKey } } as never,
    '*',
  )
  assert.equal(await gone, 'amqp:unauthorized-access')
  await assert.rejects(attachSender(session, EVENTS), { name: 'amqp:unauthorized-access' })
})
