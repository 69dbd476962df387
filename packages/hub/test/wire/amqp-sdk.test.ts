import assert from 'node:assert/strict'
import { test } from 'node:test'
import sdk, { type Message } from 'azure-iot-device'
import { until } from '../hub.ts'
import { amqpSdk } from './device-sdk.ts'
import { deviceSdkPromises } from './device-sdk-promises.ts'

const device = { deviceId: 'pump-1' }

deviceSdkPromises(amqpSdk)

test('amqp: a device completes, rejects and abandons its messages', async () => {
  await using hub = await amqpSdk.start()
  await using peer = await amqpSdk.connect(hub, device)
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

test('amqp: a message over 256 KiB is refused with MessageTooLargeError, and the next one passes', async () => {
  await using hub = await amqpSdk.start()
  await using peer = await amqpSdk.connect(hub, device)
  await peer.client.sendEvent(new sdk.Message(Buffer.alloc(256 * 1024 - 10)))
  for (const bytes of [256 * 1024 + 1, 600 * 1024]) {
    await assert.rejects(peer.client.sendEvent(new sdk.Message(Buffer.alloc(bytes))), {
      name: 'MessageTooLargeError',
    })
  }
  await peer.client.sendEvent(new sdk.Message('small'))
  assert.equal((await hub.messages()).length, 2)
})
