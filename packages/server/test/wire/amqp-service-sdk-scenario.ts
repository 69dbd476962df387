// A service sends and hears of its messages over AMQP with Microsoft's SDK; a device with its own
// completes and rejects them.

import assert from 'node:assert/strict'
import { once } from 'node:events'
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

const receiver = await new Promise<Receiver>((resolve, reject) => {
  client.getFeedbackReceiver((error, found) => (found ? resolve(found) : reject(error)))
})
const files = await new Promise<Receiver>((resolve, reject) => {
  client.getFileNotificationReceiver((error, found) => (found ? resolve(found) : reject(error)))
})
files.on('message', () => assert.fail('there are no file notifications'))

for (const [messageId, expected] of [
  ['good', 'Success'],
  ['bad', 'Rejected'],
] as const) {
  const answer = once(receiver, 'message', SIGNAL)
  const message = new iotDevice.Message(JSON.stringify({ messageId }))
  message.ack = 'full'
  message.messageId = messageId
  message.contentType = 'application/json'
  message.properties.add('colour', 'red')
  await client.send('pump-1', message)
  const [feedback] = await answer
  const [record] = JSON.parse(feedback.getData().toString())
  assert.equal(record.originalMessageId, messageId)
  assert.equal(record.statusCode, expected)
  assert.equal(record.deviceId, 'pump-1')
  assert.ok(record.deviceGenerationId && record.enqueuedTimeUtc)
  await receiver.complete(feedback)
}

await assert.rejects(client.send('nobody', 'x'), { name: 'DeviceNotFoundError' })
await assert.rejects(client.send('pump-1', Buffer.alloc(70_000)), { name: 'MessageTooLargeError' })
await pump.close()
for (let n = 0; n < 50; n++) await client.send('pump-1', String(n))
await assert.rejects(client.send('pump-1', 'one too many'), /Error/)

await client.close()
process.stdout.write('all steps passed\n')
process.exit(0)
