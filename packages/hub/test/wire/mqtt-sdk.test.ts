import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { promisify } from 'node:util'
import sdk, { type Twin } from 'azure-iot-device'
import { DEADLINE_MS, startMqttHub, until } from '../hub.ts'
import { connectSdk, connectWith } from './mqtt-sdk.ts'

const device = { deviceId: 'pump-1' }
const module = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }

for (const ref of [device, module]) {
  const name = 'moduleId' in ref ? 'a module' : 'a device'

  test(`mqtt: ${name} sends telemetry with its properties and it is stored before the ack`, async () => {
    await using hub = await startMqttHub()
    await using peer = await connectSdk(hub, ref)
    const message = new sdk.Message('{"t":21.5}')
    message.messageId = 'm 1'
    message.contentType = 'application/json'
    message.contentEncoding = 'utf-8'
    message.properties.add('farbe & größe', 'grün=1+1')
    await peer.client.sendEvent(message)
    const [stored, ...more] = await hub.messages()
    assert.equal(more.length, 0)
    assert.deepEqual(stored?.ref, ref)
    assert.deepEqual(stored?.system, {
      messageId: 'm 1',
      contentType: 'application/json',
      contentEncoding: 'utf-8',
    })
    assert.deepEqual(stored?.application, { 'farbe & größe': 'grün=1+1' })
    assert.equal(Buffer.from(stored?.body ?? []).toString(), '{"t":21.5}')
  })

  test(`mqtt: ${name} reads its twin and patches its reported properties`, async () => {
    await using hub = await startMqttHub()
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
  })

  test(`mqtt: ${name} that is connected is told what was desired of it`, async () => {
    await using hub = await startMqttHub()
    await using peer = await connectSdk(hub, ref)
    const twin = await peer.twin()
    const changed = once(twin, 'properties.desired.fan', {
      signal: AbortSignal.timeout(DEADLINE_MS),
    })
    await until(() => isSubscribed(hub.sessions.find(ref)), 'the subscription')
    await hub.twins.patch(ref, { desired: { fan: { rpm: 900 } } })
    assert.deepEqual(await changed, [{ rpm: 900 }])
    assert.equal(twin.properties.desired.$version, 2)
  })
}

test('mqtt: a patch over the limits is refused with an error and the connection goes on', async () => {
  await using hub = await startMqttHub()
  await using peer = await connectSdk(hub, device)
  const twin = await peer.twin()
  await assert.rejects(update(twin, { 'a.b': 1 }), /a\.b/)
  await update(twin, { ab: 1 })
  assert.deepEqual((await hub.twins.get(device)).twin.reported.values, { ab: 1 })
})

test('mqtt: a newer connection of the same device takes over, its module stays', async () => {
  await using hub = await startMqttHub()
  await using first = await connectSdk(hub, device)
  await using agent = await connectSdk(hub, module)
  const disconnected = once(first.client, 'disconnect', {
    signal: AbortSignal.timeout(DEADLINE_MS),
  })
  await using second = await connectSdk(hub, device)
  await disconnected
  await second.client.sendEvent(new sdk.Message('from the second'))
  await agent.client.sendEvent(new sdk.Message('from the module'))
  assert.equal(hub.sessions.count, 2)
  assert.equal((await hub.messages()).length, 2)
})

test("mqtt: a device's key does not open its module, nor a module's its device", async () => {
  await using hub = await startMqttHub()
  const [deviceKey, moduleKey] = [await hub.keyOf(device), await hub.keyOf(module)]
  const host = `HostName=localhost:${hub.port};DeviceId=pump-1`
  const attempts = [
    `${host};ModuleId=azureiotsecurity;SharedAccessKey=${deviceKey}`,
    `${host};SharedAccessKey=${moduleKey}`,
    `${host};SharedAccessKey=${Buffer.alloc(32).toString('base64')}`,
    `HostName=localhost:${hub.port};DeviceId=pump-2;SharedAccessKey=${deviceKey}`,
  ]
  for (const attempt of attempts) {
    await assert.rejects(connectWith(hub, attempt), { name: 'UnauthorizedError' })
  }
  assert.equal(hub.sessions.count, 0)
})

test('mqtt: a device that is disabled or removed loses its connection', async () => {
  await using hub = await startMqttHub()
  for (const end of [
    () => hub.identities.update(device, { status: 'disabled' }, '*'),
    () => hub.identities.remove(device, '*'),
  ]) {
    await hub.keyOf(device)
    await hub.identities.update(device, { status: 'enabled' }, '*')
    await using peer = await connectSdk(hub, device)
    const disconnected = once(peer.client, 'disconnect', {
      signal: AbortSignal.timeout(DEADLINE_MS),
    })
    await end()
    await disconnected
    assert.equal(hub.sessions.count, 0)
  }
})

test("mqtt: a device with Microsoft's client receives cloud-to-device messages and completes them", async () => {
  await using hub = await startMqttHub()
  await using peer = await connectSdk(hub, device)
  const received: sdk.Message[] = []
  peer.client.on('message', (message: sdk.Message) => {
    received.push(message)
    void peer.client.complete(message)
  })
  for (const text of ['first', 'second']) {
    await hub.cloudMessages.send(device, {
      system: { messageId: text, correlationId: 'c-1', contentType: 'text/plain' },
      ack: 'full',
      application: { 'two words': 'red & blue' },
      body: Buffer.from(text),
    })
  }
  await until(() => received.length === 2, 'both messages')
  assert.deepEqual(
    received.map((message) => message.getData().toString()),
    ['first', 'second'],
  )
  const [message] = received
  assert.equal(message?.messageId, 'first')
  assert.equal(message?.correlationId, 'c-1')
  assert.equal(message?.contentType, 'text/plain')
  assert.equal(message?.to, '/devices/pump-1/messages/deviceBound')
  assert.equal(message?.properties.getValue('iothub-ack'), 'full')
  assert.equal(message?.properties.getValue('two words'), 'red & blue')
  await until(async () => (await hub.cloudMessages.count(device)) === 0, 'both completions')
})

function update(twin: Twin, patch: object): Promise<void> {
  return promisify((done: (error?: Error) => void) =>
    twin.properties.reported.update(patch, done),
  )() as Promise<void>
}

function isSubscribed(session: unknown): boolean {
  return (session as { subscribed(kind: string): boolean }).subscribed('desired-changes')
}
