import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAudience, parseLinkAddress, parseRecipient } from './addresses.ts'

const PUMP = { deviceId: 'pump-1' }
const PARTITION_0 = { kind: 'partition', group: '$Default', partition: '0' } as const
const APP = { deviceId: 'pump-1', moduleId: 'app' }

for (const [address, expected] of [
  ['$cbs', { kind: 'cbs' }],
  ['/devices/pump-1/messages/events', { kind: 'telemetry', ref: PUMP }],
  ['devices/pump-1/messages/events/', { kind: 'telemetry', ref: PUMP }],
  ['amqps://hub.example.net/devices/pump-1/messages/events', { kind: 'telemetry', ref: PUMP }],
  ['amqps://hub.example.net:5671/devices/pump-1/twin', { kind: 'twin', ref: PUMP }],
  ['/Devices/pump-1/Modules/app/Messages/Events', { kind: 'telemetry', ref: APP }],
  ['/devices/pump-1/messages/deviceBound', { kind: 'cloud-messages', ref: PUMP }],
  ['/devices/pump-1/modules/app/methods/devicebound', { kind: 'methods', ref: APP }],
  ['/devices/a%3Ab%25c/twin', { kind: 'twin', ref: { deviceId: 'a:b%c' } }],
  ['/devices/PUMP/twin', { kind: 'twin', ref: { deviceId: 'PUMP' } }],
  ['/messages/devicebound', { kind: 'service-cloud-messages' }],
  ['/messages/serviceBound/feedback', { kind: 'feedback' }],
  ['messages/ServiceBound/FileNotifications', { kind: 'file-notifications' }],
  ['messages/events/', { kind: 'events', entity: 'messages/events' }],
  ['/messages/events/ConsumerGroups/a/Partitions', { kind: 'events', entity: 'messages/events' }],
  [
    '/messages/events/ConsumerGroups/$Default/Partitions/0',
    { kind: 'events', entity: 'messages/events', node: PARTITION_0 },
  ],
  [
    'amqps://hub.example.net:5671/hub/consumergroups/%24Default/partitions/0',
    { kind: 'events', entity: 'hub', node: PARTITION_0 },
  ],
  ['$management', { kind: 'events', entity: '', node: { kind: 'management' } }],
  ['hub/$management/', { kind: 'events', entity: 'hub', node: { kind: 'management' } }],
] as const) {
  test(`parseLinkAddress: ${address}`, () => {
    assert.deepEqual(parseLinkAddress(address), expected)
  })
}

for (const address of [
  '',
  '/',
  '$cbs/x',
  '/devices',
  '/devices/pump-1',
  '/devices//messages/events',
  '/devices/a b/twin',
  '/devices/a%2Fb/twin',
  '/devices/%zz/twin',
  '/devices/pump-1/modules/twin',
  '/devices/pump-1/modules//twin',
  '/devices/pump-1/twin/x',
  '/messages',
  '/hub',
  '/hub/ConsumerGroups/a',
  '/hub/x/ConsumerGroups/a/Partitions/0',
  '/messages/serviceBound',
]) {
  test(`parseLinkAddress: '${address}' is none`, () => {
    assert.equal(parseLinkAddress(address), undefined)
  })
}

test('parseRecipient: a device or a module, and nothing else', () => {
  assert.deepEqual(parseRecipient('/devices/pump-1/messages/devicebound'), PUMP)
  assert.deepEqual(parseRecipient('/devices/pump-1/modules/app/messages/deviceBound'), APP)
  assert.equal(parseRecipient('/devices/pump-1/messages/events'), undefined)
  assert.equal(parseRecipient('/messages/devicebound'), undefined)
})

for (const [name, host, refs, path] of [
  ['localhost', 'localhost', [], ''],
  ['https://localhost', 'localhost', [], ''],
  ['localhost:5671/', 'localhost:5671', [], ''],
  ['localhost/devices/pump-1', 'localhost', [PUMP], 'devices/pump-1'],
  ['localhost%2Fdevices%2Fpump-1', 'localhost', [PUMP], 'devices/pump-1'],
  [
    'amqps://localhost/devices/pump-1/modules/app',
    'localhost',
    [APP],
    'devices/pump-1/modules/app',
  ],
  ['localhost/devices', 'localhost', [], 'devices'],
  [
    'localhost%2Fdevices%2Fa%2525b',
    'localhost',
    [{ deviceId: 'a%25b' }, { deviceId: 'a%b' }],
    'devices/a%25b',
  ],
  ['sb://localhost/messages/events/x', 'localhost', [], 'messages/events/x'],
] as const) {
  test(`parseAudience: ${name}`, () => {
    assert.deepEqual(parseAudience(name), { host, refs, path })
  })
}

test('parseAudience: what names no host is none', () => {
  for (const name of ['', '%zz', '/devices/pump-1']) assert.equal(parseAudience(name), undefined)
})
