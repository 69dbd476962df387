import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { promisify } from 'node:util'
import sdk, {
  type Client,
  type DeviceMethodRequest,
  type DeviceMethodResponse,
  type ModuleClient,
  type Twin,
} from 'azure-iot-device'
import { DEADLINE_MS, until } from '../hub.ts'
import type { SdkWire } from './device-sdk.ts'

const device = { deviceId: 'pump-1' }
const module = { deviceId: 'pump-1', moduleId: 'app' }

/** What Microsoft's device SDK, unmodified, is promised over every protocol. */
export function deviceSdkPromises(wire: SdkWire): void {
  for (const ref of [device, module]) identityPromises(wire, ref)
  messagePromises(wire)
  accessPromises(wire)
}

function identityPromises(wire: SdkWire, ref: { deviceId: string; moduleId?: string }): void {
  const name = `${wire.name}: ${ref.moduleId === undefined ? 'a device' : 'a module'}`

  test(`${name} sends telemetry with its properties and it is stored before the ack`, async () => {
    await using hub = await wire.start()
    await using peer = await wire.connect(hub, ref)
    const messageIds = ['m 1', '6f0d9a52-26a5-4b63-9c4c-0f2f0f1a2b3c']
    for (const [index, messageId] of messageIds.entries()) {
      const message = new sdk.Message('{"t":21.5}')
      message.messageId = messageId
      message.contentType = 'application/json'
      message.contentEncoding = 'utf-8'
      message.properties.add('farbe & größe', 'grün=1+1')
      await peer.client.sendEvent(message)
      const all = await hub.messages()
      assert.equal(all.length, index + 1)
      const stored = all.at(-1)
      assert.deepEqual(stored?.ref, ref)
      assert.deepEqual(stored?.system, {
        messageId,
        contentType: 'application/json',
        contentEncoding: 'utf-8',
      })
      assert.deepEqual(stored?.application, { 'farbe & größe': 'grün=1+1' })
      assert.equal(Buffer.from(stored?.body ?? []).toString(), '{"t":21.5}')
    }
  })

  test(`${name} reads its twin and patches its reported properties`, async () => {
    await using hub = await wire.start()
    await using peer = await wire.connect(hub, ref)
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

  test(`${name} that is connected is told what was desired of it`, async () => {
    await using hub = await wire.start()
    await using peer = await wire.connect(hub, ref)
    const twin = await peer.twin()
    const changes: unknown[] = []
    twin.on('properties.desired', (delta) => changes.push(delta))
    await until(() => changes.length === 1, 'the properties as they are')
    const told = once(twin, 'properties.desired.fan', {
      signal: AbortSignal.timeout(DEADLINE_MS),
    })
    let version = 1
    await until(async () => {
      // Nothing tells when the subscription stands, so a change may be too early.
      const { twin: changed } = await hub.twins.patch(ref, { desired: { fan: { rpm: 900 } } })
      version = changed.desired.version
      return changes.length > 1
    }, 'a change')
    assert.deepEqual(await told, [{ rpm: 900 }])
    await until(() => twin.properties.desired.$version === version, 'the last change')
  })

  test(`${name} answers direct methods, with a payload and without`, async () => {
    await using hub = await wire.start()
    await using peer = await wire.connect(hub, ref)
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

function messagePromises(wire: SdkWire): void {
  const { name } = wire

  test(`${name}: a patch over the limits is refused with an error and the connection goes on`, async () => {
    await using hub = await wire.start()
    await using peer = await wire.connect(hub, device)
    const twin = await peer.twin()
    await assert.rejects(update(twin, { 'a.b': 1 }), /a\.b/)
    await update(twin, { ab: 1 })
    assert.deepEqual((await hub.twins.get(device)).twin.reported.values, { ab: 1 })
  })

  test(`${name}: a device with Microsoft's client receives cloud-to-device messages and completes them`, async () => {
    await using hub = await wire.start()
    await using peer = await wire.connect(hub, device)
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
    // Each transport of the SDK shows it in another place.
    assert.equal(message?.ack ?? message?.properties.getValue('iothub-ack'), 'full')
    assert.equal(message?.properties.getValue('two words'), 'red & blue')
    await until(async () => (await hub.cloudMessages.count(device)) === 0, 'both completions')
  })
}

function accessPromises(wire: SdkWire): void {
  const { name } = wire

  test(`${name}: a device is connected from its credential on until it leaves`, async () => {
    await using hub = await wire.start()
    const peer = await wire.connect(hub, device)
    assert.equal(hub.sessions.isConnected(device), true)
    await peer.client.close()
    await until(() => !hub.sessions.isConnected(device), 'the end of the session')
  })

  test(`${name}: a newer connection of the same device takes over, its module stays`, async () => {
    await using hub = await wire.start()
    await using first = await wire.connect(hub, device)
    await using agent = await wire.connect(hub, module)
    await first.client.sendEvent(new sdk.Message('from the first'))
    const disconnected = once(first.client, 'disconnect', {
      signal: AbortSignal.timeout(DEADLINE_MS),
    })
    await using second = await wire.connect(hub, device)
    await disconnected
    await second.client.sendEvent(new sdk.Message('from the second'))
    await agent.client.sendEvent(new sdk.Message('from the module'))
    assert.equal(hub.sessions.count, 2)
    assert.equal((await hub.messages()).length, 3)
  })

  test(`${name}: a device's key does not open its module, nor a module's its device`, async () => {
    await using hub = await wire.start()
    const [deviceKey, moduleKey] = [await hub.keyOf(device), await hub.keyOf(module)]
    const host = `HostName=localhost:${hub.port};DeviceId=pump-1`
    const attempts = [
      `${host};ModuleId=app;SharedAccessKey=${deviceKey}`,
      `${host};SharedAccessKey=${moduleKey}`,
      `${host};SharedAccessKey=${Buffer.alloc(32).toString('base64')}`,
      `HostName=localhost:${hub.port};DeviceId=pump-2;SharedAccessKey=${deviceKey}`,
    ]
    for (const attempt of attempts) {
      await assert.rejects(wire.connectWith(hub, attempt), { name: 'UnauthorizedError' })
    }
    assert.equal(hub.sessions.count, 0)
  })

  test(`${name}: a device that is disabled or removed loses its connection`, async () => {
    await using hub = await wire.start()
    for (const end of [
      () => hub.identities.update(device, { status: 'disabled' }, '*'),
      () => hub.identities.remove(device, '*'),
    ]) {
      await hub.keyOf(device)
      await hub.identities.update(device, { status: 'enabled' }, '*')
      await using peer = await wire.connect(hub, device)
      await peer.client.sendEvent(new sdk.Message('x'))
      const disconnected = once(peer.client, 'disconnect', {
        signal: AbortSignal.timeout(DEADLINE_MS),
      })
      await end()
      await disconnected
      assert.equal(hub.sessions.count, 0)
    }
  })
}

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
