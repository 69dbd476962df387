import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseEventUrl } from './event-addresses.ts'
import { HostNames } from './host-names.ts'

const names = new HostNames(['hub.example.net', 'localhost', '127.0.0.1'])
const PARTITION = ['consumergroups', '$default', 'partitions', '0']

for (const [url, expected] of [
  ['sb://hub.example.net', []],
  ['sb://hub.example.net:5671/', []],
  ['sb://hub.example.net/messages/events', []],
  ['sb://localhost:5671/Messages/Events/$management', ['$management']],
  ['sb://hub.example.net/hub/ConsumerGroups/$Default/Partitions/0', PARTITION],
  ['amqps://HUB.example.net/hub.example.net/ConsumerGroups/$Default/Partitions/0', PARTITION],
  ['amqp://hub.example.net/localhost/consumergroups/%24default/partitions/0', PARTITION],
  ['sb%3A%2F%2Fhub.example.net%3A5671%2Fhub%2F%24management', ['$management']],
  ['sb%3a%2f%2fhub.example.net%2fmessages%2fevents', []],
  ['sb%3A%2F%2Fhub.example.net%2Fhub%2FConsumerGroups%2F%24Default%2FPartitions%2F0', PARTITION],
] as const) {
  test(`parseEventUrl: ${url}`, () => assert.deepEqual(parseEventUrl(url, names), expected))
}

for (const url of [
  '',
  'hub.example.net',
  'hub.example.net/messages/events',
  'https://hub.example.net/hub',
  'sb://elsewhere.example.net/hub',
  'sb:///hub',
  'sb://hub.example.net/another',
  'sb://hub.example.net/devices/pump-1',
  'sb://hub.example.net/messages',
  'sb://hub.example.net/%zz',
  'sb%3A%2F%2Fhub.example.net%zz',
  `sb://hub.example.net/hub${'/a'.repeat(20)}`,
]) {
  test(`parseEventUrl: '${url}' is none of this hub's`, () => {
    assert.equal(parseEventUrl(url, names), undefined)
  })
}
