// A service sends and hears of its messages over AMQP with Microsoft's SDK; a device with its own
// completes and rejects them.

import assert from 'node:assert/strict'
import { on } from 'node:events'
import iotDevice from 'azure-iot-device'
import deviceAmqp from 'azure-iot-device-amqp'
import iothub from 'azure-iothub'

type Receiver = iothub.Client.ServiceReceiver

const [transport = 'Amqp', service = '', device = ''] = process.argv.slice(2)
const isWebSocket = transport === 'AmqpWs'
const Transport = isWebSocket ? iothub.AmqpWs : iothub.Amqp
const DeviceTransport = isWebSocket ? deviceAmqp.AmqpWs : deviceAmqp.Amqp
const SIGNAL = { signal: AbortSignal.timeout(20_000) }

const client = iothub.Client.fromConnectionString(service, Transport)
await client.open()

const pump = iotDevice.Client.fromConnectionString(device, DeviceTransport)
await pump.open()
pump.on('message', (message) => {
  if (message.messageId === 'bad') pump.reject(message, () => {})
  else pump.complete(message, () => {})
})
const registry = iothub.Registry.fromConnectionString(service)
// One after the other: the SDK merges the outcomes of one turn. Both before anybody reads feedback, or
// the second batch would be gathered for 15 s.
for (const messageId of ['good', 'bad']) {
  const message = new iotDevice.Message(JSON.stringify({ messageId }))
  message.ack = 'full'
  message.messageId = messageId
  message.contentType = 'application/json'
  message.properties.add('colour', 'red')
  await client.send('pump-1', message)
  for (;;) {
    const { responseBody } = await registry.get('pump-1')
    if (Number(responseBody.cloudToDeviceMessageCount) === 0) break
    SIGNAL.signal.throwIfAborted()
  }
}

const receiver = await new Promise<Receiver>((resolve, reject) => {
  client.getFeedbackReceiver((error, found) => (found ? resolve(found) : reject(error)))
})
const batches = on(receiver, 'message', SIGNAL)
const files = await new Promise<Receiver>((resolve, reject) => {
  client.getFileNotificationReceiver((error, found) => (found ? resolve(found) : reject(error)))
})
files.on('message', () => assert.fail('there are no file notifications'))

const expected = new Map([
  ['good', 'Success'],
  ['bad', 'Rejected'],
])
for await (const [feedback] of batches) {
  for (const record of JSON.parse(feedback.getData().toString())) {
    assert.equal(record.statusCode, expected.get(record.originalMessageId))
    assert.ok(expected.delete(record.originalMessageId))
    assert.equal(record.deviceId, 'pump-1')
    assert.ok(record.deviceGenerationId && record.enqueuedTimeUtc)
  }
  await receiver.complete(feedback)
  if (expected.size === 0) break
}

await assert.rejects(client.send('nobody', 'x'), { name: 'DeviceNotFoundError' })
await assert.rejects(client.send('pump-1', Buffer.alloc(70_000)), { name: 'MessageTooLargeError' })
await pump.close()
for (let n = 0; n < 50; n++) await client.send('pump-1', String(n))
await assert.rejects(client.send('pump-1', 'one too many'), /Error/)

await client.close()
process.stdout.write('all steps passed\n')
process.exit(0)
