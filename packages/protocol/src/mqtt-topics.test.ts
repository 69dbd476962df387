import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
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
