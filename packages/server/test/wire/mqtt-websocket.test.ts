import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { test } from 'node:test'
import type { DeviceRef } from '@twinward/protocol'
import sdk, { type Client, type DeviceMethodRequest, type ModuleClient } from 'azure-iot-device'
import { MqttWs } from 'azure-iot-device-mqtt'
import { connectAsync } from 'mqtt'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { WebSocket } from 'ws'
import { makeToken, until } from '../../../hub/test/hub.ts'
import { connectPacket, publishPacket } from '../../../hub/test/raw-mqtt.ts'
import { type HttpsHub, startHttpsHub, WITHOUT_443 } from '../https-hub.ts'

const PUMP: DeviceRef = { deviceId: 'pump-1' }
const APP: DeviceRef = { deviceId: 'pump-1', moduleId: 'app' }
const CALL = { payload: { a: 1 }, responseTimeoutMs: 5000, connectTimeoutMs: 5000 }

/** Microsoft's client, unmodified. */
async function connectSdk<C extends Client | ModuleClient>(
  hub: HttpsHub,
  client: C,
): Promise<AsyncDisposable & { readonly client: C }> {
  await client.setOptions({ ca: hub.ca })
  client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => 0 })
  client.on('error', () => {})
  await client.open()
  return { client, [Symbol.asyncDispose]: async () => void (await client.close().catch(() => {})) }
}

async function connectDevice(hub: HttpsHub) {
  const text = await hub.connectionString(PUMP)
  return connectSdk(hub, sdk.Client.fromConnectionString(text, MqttWs))
}

async function connectModule(hub: HttpsHub) {
  const text = await hub.connectionString(APP)
  return connectSdk(hub, sdk.ModuleClient.fromConnectionString(text, MqttWs))
}

test('MqttWs: a device sends telemetry, syncs its twin, answers methods and gets messages', {
  skip: WITHOUT_443,
}, async () => {
  await using hub = await startHttpsHub()
  await using device = await connectDevice(hub)
  const { client } = device

  const message = new sdk.Message(Buffer.alloc(200_000, 'x'))
  message.properties.add('colour', 'red')
  await client.sendEvent(message)
  const [stored] = await hub.messages()
  assert.deepEqual([stored?.body.length, stored?.application], [200_000, { colour: 'red' }])

  const twin = await client.getTwin()
  let told = 0
  twin.on('properties.desired', ({ rpm }: { rpm?: number }) => {
    told = rpm ?? 0
  })
  let rpm = 0
  // It subscribes when it wants to: what was written before is not told.
  await until(async () => {
    rpm += 1
    await hub.twins.patch(PUMP, { desired: { rpm } })
    return told > 0
  })
  await new Promise<void>((resolve, reject) =>
    twin.properties.reported.update({ rpm: 900 }, (error: Error | null) =>
      error ? reject(error) : resolve(),
    ),
  )
  assert.deepEqual((await hub.twins.get(PUMP)).twin.reported.values, { rpm: 900 })

  client.onDeviceMethod('reboot', (request: DeviceMethodRequest, response) => {
    void response.send(202, { got: request.payload })
  })
  const result = await hub.methods.invoke(PUMP, { ...CALL, name: 'reboot' })
  assert.deepEqual(result, { status: 202, payload: '{"got":{"a":1}}' })

  const received = once(client, 'message')
  const body = Buffer.from('to you')
  await hub.cloudMessages.send(PUMP, { system: {}, ack: 'none', application: {}, body })
  const [cloudMessage] = await received
  assert.equal(String(cloudMessage.data), 'to you')
  await client.complete(cloudMessage)
  await until(async () => (await hub.cloudMessages.count(PUMP)) === 0)
})

test('MqttWs: a module sends to an output, syncs its twin and answers methods', {
  skip: WITHOUT_443,
}, async () => {
  await using hub = await startHttpsHub()
  await using module = await connectModule(hub)
  const { client } = module

  await client.sendOutputEvent('alerts', new sdk.Message('hot'))
  const [stored] = await hub.messages()
  assert.deepEqual([stored?.ref, stored?.system.outputName], [APP, 'alerts'])

  await hub.twins.patch(APP, { desired: { level: 3 } })
  const twin = await client.getTwin()
  assert.equal(twin.properties.desired.level, 3)

  client.onMethod('ping', (_request, response) => {
    void response?.send(200)
  })
  const result = await hub.methods.invoke(APP, { ...CALL, name: 'ping' })
  assert.deepEqual(result, { status: 200, payload: 'null' })
})

test('MqttWs: a wrong key is refused, and a deleted device is disconnected', {
  skip: WITHOUT_443,
}, async () => {
  await using hub = await startHttpsHub()
  const wrong = (await hub.connectionString(PUMP)).replace(
    /SharedAccessKey=[^;]+/,
    `SharedAccessKey=${randomBytes(32).toString('base64')}`,
  )
  const stranger = sdk.Client.fromConnectionString(wrong, MqttWs)
  await assert.rejects(connectSdk(hub, stranger))
  await stranger.close().catch(() => {})

  await using device = await connectDevice(hub)
  const disconnected = once(device.client, 'disconnect')
  await hub.identities.remove(PUMP, '*')
  await disconnected
  await until(() => hub.endpoint.streamCount === 0)
})

test('mqtt.js over wss: a will is stored when the WebSocket breaks', async () => {
  await using hub = await startHttpsHub()
  const client = await connectAsync(hub.url, {
    clientId: 'pump-1',
    username: 'localhost/pump-1/?api-version=2021-04-12',
    password: makeToken(await hub.keyOf(PUMP), PUMP),
    will: { topic: 'devices/pump-1/messages/events/', payload: Buffer.from('gone'), qos: 1 },
    ca: hub.ca,
    reconnectPeriod: 0,
  })
  await client.publishAsync('devices/pump-1/messages/events/', 'x', { qos: 1 })
  client.stream.destroy()
  await until(async () => (await hub.messages()).length === 2, 'the will')
  await client.endAsync(true)
})

/** A WebSocket without an MQTT library. */
async function openRaw(hub: HttpsHub): Promise<{ socket: WebSocket; packets: Packet[] }> {
  const socket = new WebSocket(hub.url, 'MQTT', { ca: hub.ca })
  const packets: Packet[] = []
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  parser.on('packet', (packet) => packets.push(packet))
  socket.on('message', (bytes: Buffer) => parser.parse(bytes))
  socket.on('error', () => {})
  await once(socket, 'open')
  return { socket, packets }
}

async function firstBytes(hub: HttpsHub): Promise<Buffer> {
  const packets = [
    await connectPacket(hub, PUMP),
    publishPacket('devices/pump-1/messages/events/', 'first', 1),
    publishPacket('devices/pump-1/messages/events/', 'second', 2),
  ]
  return Buffer.concat(packets.map((packet) => mqttPacket.generate(packet)))
}

test('raw frames: packets may be cut into single bytes or joined in one frame', async () => {
  await using hub = await startHttpsHub()
  const bytes = await firstBytes(hub)
  for (const size of [bytes.length, 1, 100]) {
    const { socket, packets } = await openRaw(hub)
    for (let at = 0; at < bytes.length; at += size) socket.send(bytes.subarray(at, at + size))
    await until(() => packets.length === 3)
    assert.deepEqual(
      packets.map(({ cmd }) => cmd),
      ['connack', 'puback', 'puback'],
    )
    socket.terminate()
  }
  const bodies = (await hub.messages()).map(({ body }) => String(body))
  assert.deepEqual(bodies, Array(3).fill(['first', 'second']).flat())
})

test('raw frames: hostile bytes after CONNECT cost the connection and nothing else', async () => {
  await using hub = await startHttpsHub()
  const connect = mqttPacket.generate(await connectPacket(hub, PUMP))
  for (let round = 0; round < 30; round++) {
    const { socket } = await openRaw(hub)
    const closed = once(socket, 'close')
    if (round % 2 === 0) socket.send(connect)
    // A PUBLISH with QoS 3 is never allowed, whatever was taken before it.
    socket.send(Buffer.concat([randomBytes(round), Buffer.of(0x36, 4, 0, 1, 0x61, 0)]))
    socket.send(Buffer.of(0x36, 4, 0, 1, 0x61, 0))
    if (round % 3 === 0) socket.send('text')
    else socket.close()
    await closed
  }
  await until(() => hub.endpoint.streamCount === 0 && hub.gateway.connectionCount === 0)
  assert.equal(hub.sessions.count, 0)
})

test('a device that does not read is disconnected; it does not pile up what it is sent', async () => {
  await using hub = await startHttpsHub()
  const { socket, packets } = await openRaw(hub)
  socket.send(mqttPacket.generate(await connectPacket(hub, PUMP)))
  const filters = ['$iothub/twin/PATCH/properties/desired/#', '$iothub/twin/res/#']
  const subscriptions = filters.map((topic) => ({ topic, qos: 0 as const }))
  const subscribe = { cmd: 'subscribe', messageId: 1, subscriptions } as unknown as Packet
  socket.send(mqttPacket.generate(subscribe))
  await until(() => packets.length === 2)
  socket.pause()
  const text = 'x'.repeat(4000)
  const desired = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => [key, text]))
  let patches = 0
  while (hub.sessions.count > 0) {
    await hub.twins.patch(PUMP, { desired })
    patches += 1
    assert.ok(patches < 3000, `${patches} changes of 28 KB are held`)
  }
  await until(() => hub.endpoint.streamCount === 0)
})
