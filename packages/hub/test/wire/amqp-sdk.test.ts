import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { promisify } from 'node:util'
import sdk, {
  type Client,
  type DeviceMethodRequest,
  type DeviceMethodResponse,
  type Message,
  type ModuleClient,
  type Twin,
} from 'azure-iot-device'
import { startAmqpHub } from '../amqp-hub.ts'
import { DEADLINE_MS, until } from '../hub.ts'
import { connectSdk, connectWith } from './amqp-sdk.ts'

const device = { deviceId: 'pump-1' }
const module = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }

for (const ref of [device, module]) {
  const name = 'moduleId' in ref ? 'a module' : 'a device'

  test(`amqp: ${name} sends telemetry with its properties and it is stored before the ack`, async () => {
    await using hub = await startAmqpHub()
    await using peer = await connectSdk(hub, ref)
    const message = new sdk.Message('{"t":21.5}')
    message.messageId = '6f0d9a52-26a5-4b63-9c4c-0f2f0f1a2b3c'
    message.contentType = 'application/json'
    message.contentEncoding = 'utf-8'
    message.properties.add('farbe & größe', 'grün=1+1')
    await peer.client.sendEvent(message)
    const [stored, ...more] = await hub.messages()
    assert.equal(more.length, 0)
    assert.deepEqual(stored?.ref, ref)
    assert.deepEqual(stored?.system, {
      messageId: '6f0d9a52-26a5-4b63-9c4c-0f2f0f1a2b3c',
      contentType: 'application/json',
      contentEncoding: 'utf-8',
    })
    assert.deepEqual(stored?.application, { 'farbe & größe': 'grün=1+1' })
    assert.equal(Buffer.from(stored?.body ?? []).toString(), '{"t":21.5}')
  })

  test(`amqp: ${name} reads its twin and patches its reported properties`, async () => {
    await using hub = await startAmqpHub()
    await using peer = await connectSdk(hub, ref)
    await hub.twins.patch(ref, { desired: { fan: { rpm: 900 } } })
    const twin = await peer.twin()
    assert.deepEqual(twin.properties.desired.fan, { rpm: 900 })
    assert.equal(twin.properties.desired.$version, 2)
    await update(twin, { fw: '1.1', old: 1 })
    await update(twin, { old: null })
    const { reported } = (await hub.twins.get(ref)).twin
    assert.deepEqual(reported.values, { fw: '1.1' })
    assert.equal(reported.version, 3)
    await assert.rejects(update(twin, { $bad: 1 }), /Twin operation failed|\$bad|400|Format/i)
  })

  test(`amqp: ${name} that is connected is told what was desired of it`, async () => {
    await using hub = await startAmqpHub()
    await using peer = await connectSdk(hub, ref)
    const twin = await peer.twin()
    const changes: unknown[] = []
    twin.on('properties.desired', (delta) => changes.push(delta))
    await until(() => changes.length === 1, 'the properties as they are')
    const changed = once(twin, 'properties.desired.fan', {
      signal: AbortSignal.timeout(DEADLINE_MS),
    })
    await until(async () => {
      await hub.twins.patch(ref, { desired: { fan: { rpm: 900 } } })
      return changes.length > 1
    }, 'a change')
    assert.deepEqual(await changed, [{ rpm: 900 }])
  })

  test(`amqp: ${name} answers direct methods, with a payload and without`, async () => {
    await using hub = await startAmqpHub()
    await using peer = await connectSdk(hub, ref)
    onMethod(peer.client, 'reboot', (payload) => [202, { got: payload }])
    onMethod(peer.client, 'ping', () => [200])
    const call = { payload: { delay: 5 }, responseTimeoutMs: 5000, connectTimeoutMs: 5000 }
    assert.deepEqual(await hub.methods.invoke(ref, { name: 'reboot', ...call }), {
      status: 202,
      payload: '{"got":{"delay":5}}',
    })
    const bare = await hub.methods.invoke(ref, { ...call, name: 'ping', payload: null })
    assert.deepEqual(bare, { status: 200, payload: 'null' })
  })
}

test('amqp: a device completes, rejects and abandons its messages', async () => {
  await using hub = await startAmqpHub()
  await using peer = await connectSdk(hub, device)
  const { client } = peer
  const seen: string[] = []
  client.on('message', (message: Message) => {
    const again = seen.includes(message.messageId)
    seen.push(message.messageId)
    const done = () => {}
    if (message.messageId === 'b') client.reject(message, done)
    else if (message.messageId === 'c' && !again) client.abandon(message, done)
    else client.complete(message, done)
  })
  for (const messageId of ['a', 'b', 'c']) {
    await hub.cloudMessages.send(device, {
      system: { messageId, contentType: 'text/plain' },
      ack: 'full',
      application: { colour: 'red' },
      body: Buffer.from('hello'),
    })
    // This client puts outcomes of one turn into one disposition, with the state of the first.
    await until(() => seen.includes(messageId), 'its delivery')
  }
  await until(async () => (await hub.cloudMessages.count(device)) === 0, 'all are settled')
  assert.deepEqual(seen, ['a', 'b', 'c', 'c'])
  const records = (await hub.feedback.receive())?.records ?? []
  assert.deepEqual(
    records.map(({ originalMessageId, status }) => `${originalMessageId} ${status}`).sort(),
    ['a Success', 'b Rejected', 'c Success'],
  )
})

test('amqp: a wrong key is refused, and the refusal is an UnauthorizedError', async () => {
  await using hub = await startAmqpHub()
  await hub.keyOf(device)
  const wrong = `HostName=localhost:${hub.port};DeviceId=pump-1;SharedAccessKey=${Buffer.alloc(32).toString('base64')}`
  await assert.rejects(connectWith(hub, wrong), { name: 'UnauthorizedError' })
  assert.equal(hub.sessions.count, 0)
})

test('amqp: a device is connected from its token on until it leaves', async () => {
  await using hub = await startAmqpHub()
  const peer = await connectSdk(hub, device)
  assert.equal(hub.sessions.isConnected(device), true)
  await peer.client.close()
  await until(() => !hub.sessions.isConnected(device), 'the end of the session')
})

test('amqp: a message over 256 KiB is refused with MessageTooLargeError, and the next one passes', async () => {
  await using hub = await startAmqpHub()
  await using peer = await connectSdk(hub, device)
  await peer.client.sendEvent(new sdk.Message(Buffer.alloc(256 * 1024 - 10)))
  for (const bytes of [256 * 1024 + 1, 600 * 1024]) {
    await assert.rejects(peer.client.sendEvent(new sdk.Message(Buffer.alloc(bytes))), {
      name: 'MessageTooLargeError',
    })
  }
  await peer.client.sendEvent(new sdk.Message('small'))
  assert.equal((await hub.messages()).length, 2)
})

function update(twin: Twin, patch: object): Promise<void> {
  return promisify((done: (error?: Error) => void) => {
    twin.properties.reported.update(patch, done)
  })()
}

function onMethod(
  client: Client | ModuleClient,
  name: string,
  answer: (payload: unknown) => readonly [number, unknown?],
): void {
  const take = (request?: DeviceMethodRequest, response?: DeviceMethodResponse) => {
    const [status, payload] = answer(request?.payload)
    response?.send(status, payload, () => {})
  }
  if (client instanceof sdk.ModuleClient) client.onMethod(name, take)
  else client.onDeviceMethod(name, take)
}

test('amqp: a newer connection of the same device takes over, its module stays', async () => {
  await using hub = await startAmqpHub()
  await using first = await connectSdk(hub, device)
  await using agent = await connectSdk(hub, module)
  await first.client.sendEvent(new sdk.Message('from the first'))
  const disconnected = once(first.client, 'disconnect', {
    signal: AbortSignal.timeout(DEADLINE_MS),
  })
  await using second = await connectSdk(hub, device)
  await disconnected
  await second.client.sendEvent(new sdk.Message('from the second'))
  await agent.client.sendEvent(new sdk.Message('from the module'))
  assert.equal(hub.sessions.count, 2)
  assert.equal((await hub.messages()).length, 3)
})

test("amqp: a device's key does not open its module, nor a module's its device", async () => {
  await using hub = await startAmqpHub()
  const [deviceKey, moduleKey] = [await hub.keyOf(device), await hub.keyOf(module)]
  const host = `HostName=localhost:${hub.port};DeviceId=pump-1`
  for (const attempt of [
    `${host};ModuleId=azureiotsecurity;SharedAccessKey=${deviceKey}`,
    `${host};SharedAccessKey=${moduleKey}`,
    `HostName=localhost:${hub.port};DeviceId=pump-2;SharedAccessKey=${deviceKey}`,
  ]) {
    await assert.rejects(connectWith(hub, attempt), { name: 'UnauthorizedError' })
  }
  assert.equal(hub.sessions.count, 0)
})

test('amqp: a device that is disabled or removed loses its links', async () => {
  await using hub = await startAmqpHub()
  for (const end of [
    () => hub.identities.update(device, { status: 'disabled' }, '*'),
    () => hub.identities.remove(device, '*'),
  ]) {
    await hub.keyOf(device)
    await hub.identities.update(device, { status: 'enabled' }, '*')
    await using peer = await connectSdk(hub, device)
    await peer.client.sendEvent(new sdk.Message('x'))
    const disconnected = once(peer.client, 'disconnect', {
      signal: AbortSignal.timeout(DEADLINE_MS),
    })
    await end()
    await disconnected
    assert.equal(hub.sessions.count, 0)
  }
})
