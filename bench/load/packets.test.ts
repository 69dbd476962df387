import assert from 'node:assert/strict'
import { test } from 'node:test'
import mqttPacket, { type Packet } from 'mqtt-packet'
import { encodeConnect, encodePublish, encodeSubscribe } from './packets.ts'

test('an independent parser reads every packet as it was meant', () => {
  const body = JSON.stringify({ note: 'x'.repeat(200) })
  const [connect, subscribe, publish] = parse([
    encodeConnect({ clientId: 'd1', userName: 'h/d1', password: 'secret', keepAliveSeconds: 1177 }),
    encodeSubscribe(7, '$iothub/twin/res/#'),
    encodePublish({ topic: 'a/b', packetId: 513, body }),
  ])
  assert.ok(connect?.cmd === 'connect' && subscribe?.cmd === 'subscribe')
  assert.ok(publish?.cmd === 'publish')
  assert.equal(connect.clientId, 'd1')
  assert.equal(connect.username, 'h/d1')
  assert.equal(String(connect.password), 'secret')
  assert.equal(connect.keepalive, 1177)
  assert.equal(connect.clean, true)
  assert.equal(subscribe.messageId, 7)
  assert.deepEqual(subscribe.subscriptions, [{ topic: '$iothub/twin/res/#', qos: 0 }])
  assert.equal(publish.topic, 'a/b')
  assert.equal(publish.qos, 1)
  assert.equal(publish.messageId, 513)
  assert.equal(String(publish.payload), body)
})

function parse(packets: readonly Buffer[]): Packet[] {
  const parser = mqttPacket.parser()
  const seen: Packet[] = []
  parser.on('packet', (one) => seen.push(one))
  parser.parse(Buffer.concat(packets))
  return seen
}
