import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  cloudMessageTopic,
  methodRequestTopic,
  parseMethodResponse,
  parseMqttFilter,
  parseMqttUserName,
  parseTwinRequest,
  telemetryBag,
  telemetryTopic,
  twinResponseTopic,
} from './mqtt-topics.ts'

const file = new URL('../../../vectors/mqtt/topics.json', import.meta.url)
const vectors = JSON.parse(readFileSync(file, 'utf8'))

test('parseMqttUserName: every form that clients send, and nothing else', () => {
  for (const { text, parsed } of vectors.userNames) {
    assert.deepEqual(parseMqttUserName(text) ?? null, parsed, text)
  }
})

test('telemetryBag: only of the own topic', () => {
  for (const { topic, ref, bag } of vectors.telemetry) {
    assert.equal(telemetryBag(topic, ref) ?? null, bag, topic)
  }
})

test('telemetryTopic: is the topic whose bag is read', () => {
  for (const ref of [{ deviceId: 'd' }, { deviceId: 'd', moduleId: 'm' }]) {
    assert.equal(telemetryBag(`${telemetryTopic(ref)}a=b`, ref), 'a=b')
  }
})

test('parseTwinRequest: gets and patches, with the request id as it came', () => {
  for (const { topic, parsed } of vectors.twinRequests) {
    assert.deepEqual(parseTwinRequest(topic) ?? null, parsed, topic)
  }
})

test('twinResponseTopic: what the strictest SDK takes apart', () => {
  for (const { status, rid, version, topic } of vectors.twinResponses) {
    assert.equal(twinResponseTopic(status, rid, version), topic)
  }
})

test('parseMqttFilter: the fixed list, for the own ids', () => {
  for (const { filter, ref, kind } of vectors.filters) {
    assert.equal(parseMqttFilter(filter, ref) ?? null, kind, filter)
  }
})

test('methodRequestTopic: ends with the rid', () => {
  assert.equal(methodRequestTopic('reboot', '7f3a'), '$iothub/methods/POST/reboot/?$rid=7f3a')
})

test('parseMethodResponse: status and rid, however the rest is written', () => {
  const topics = {
    '$iothub/methods/res/200/?$rid=7': { status: 200, rid: '7' },
    '$iothub/methods/res/200?$rid=7': { status: 200, rid: '7' },
    '$iothub/methods/res/-1/?a=b&$rid=x%20y&c=d': { status: -1, rid: 'x%20y' },
    '$iothub/methods/res/0/?$rid=7': { status: 0, rid: '7' },
    '$iothub/methods/res/200/': undefined,
    '$iothub/methods/res/200/?$rid=': undefined,
    '$iothub/methods/res/200/?x$rid=7': undefined,
    '$iothub/methods/res/2x0/?$rid=7': undefined,
    '$iothub/methods/res//?$rid=7': undefined,
    '$iothub/methods/POST/x/?$rid=7': undefined,
  }
  for (const [topic, expected] of Object.entries(topics)) {
    assert.deepEqual(parseMethodResponse(topic), expected, topic)
  }
})

test('cloudMessageTopic: the path of the receiver and a bag that always says to whom', () => {
  const plain = { system: {}, ack: 'none' as const, application: {} }
  assert.equal(
    cloudMessageTopic({ deviceId: 'd' }, plain),
    'devices/d/messages/devicebound/%24.to=%2Fdevices%2Fd%2Fmessages%2FdeviceBound',
  )
  assert.equal(
    cloudMessageTopic(
      { deviceId: 'a+b#', moduleId: 'm' },
      { system: { messageId: '1/2' }, ack: 'full', application: { 'k=': 'a b', flag: null } },
    ),
    'devices/a%2Bb%23/modules/m/messages/devicebound/%24.mid=1%2F2' +
      '&%24.to=%2Fdevices%2Fa%2Bb%23%2Fmodules%2Fm%2Fmessages%2FdeviceBound' +
      '&iothub-ack=full&k%3D=a%20b&flag',
  )
})
