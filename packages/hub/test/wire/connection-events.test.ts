import assert from 'node:assert/strict'
import { test } from 'node:test'
import sdk, { type Client } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import type { StampedMessage } from '../../src/messages/event-log.ts'
import { until } from '../hub.ts'
import { amqpSdk, mqttSdk, type SdkHub } from './device-sdk.ts'

const device = { deviceId: 'pump-1' }

async function operations(hub: SdkHub): Promise<readonly unknown[]> {
  const messages = await hub.messages()
  return messages.map(({ application }) => application.opType ?? 'telemetry')
}

for (const wire of [mqttSdk, amqpSdk]) {
  test(`${wire.name}: a connection is told of with its first message, and when it ends`, async () => {
    await using hub = await wire.start()
    const route = { source: 'DeviceConnectionStateEvents', endpointNames: ['events'] }
    await hub.routing.putRoute('connections', route, undefined)
    {
      await using peer = await wire.connect(hub, device)
      await until(() => hub.sessions.isConnected(device), 'its session')
      assert.deepEqual(await operations(hub), [], 'connecting is no operation')
      await peer.client.sendEvent(new sdk.Message('one'))
      assert.deepEqual(await operations(hub), ['deviceConnected', 'telemetry'])
      await peer.client.sendEvent(new sdk.Message('two'))
    }
    await until(async () => (await operations(hub)).length === 4, 'its end')
    const expected = ['deviceConnected', 'telemetry', 'telemetry', 'deviceDisconnected']
    assert.deepEqual(await operations(hub), expected)
  })

  test(`${wire.name}: who listens for cloud-to-device messages has received`, async () => {
    await using hub = await wire.start()
    const route = { source: 'DeviceConnectionStateEvents', endpointNames: ['events'] }
    await hub.routing.putRoute('connections', route, undefined)
    await using peer = await wire.connect(hub, device)
    const client = peer.client as Client
    client.on('message', (message) => void client.complete(message, () => {}))
    await until(async () => (await operations(hub)).length === 1, 'its first receipt')
    assert.deepEqual(await operations(hub), ['deviceConnected'])
  })
}

test('mqtt: messages carry the model that the device announced', async () => {
  await using hub = await mqttSdk.start()
  const text = (await hub.connectionString(device)).replace(
    /HostName=localhost(:\d+)?/,
    `HostName=localhost:${hub.port}`,
  )
  const client = sdk.Client.fromConnectionString(text, Mqtt)
  await client.setOptions({ ca: hub.ca, modelId: 'dtmi:example:Pump;1' })
  await client.open()
  await client.sendEvent(new sdk.Message('one'))
  await client.close()
  const [message] = (await hub.messages()) as readonly StampedMessage[]
  assert.equal(message?.modelId, 'dtmi:example:Pump;1')
})
