import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  canonicalAddress,
  isLinkLocalV6Address,
  isLoopbackAddress,
  isPublicAddress,
} from './addresses.ts'

test('isPublicAddress: the edges of every network that is not public', () => {
  const inside = [
    ...['0.0.0.0', '10.0.0.0', '10.255.255.255', '100.64.0.0', '100.127.255.255', '127.9.9.9'],
    ...[
      '169.254.1.1',
      '172.16.0.0',
      '172.31.255.255',
      '192.168.0.1',
      '224.0.0.1',
      '255.255.255.255',
    ],
    ...[
      '::',
      '::1',
      'fc00::',
      'fdff::1',
      'fe80::1',
      'fe80::1%eth0',
      'febf::1',
      'fec0::1',
      'ff02::1',
    ],
    ...['::ffff:10.0.0.1', '::ffff:a00:1', '[::ffff:127.0.0.1]', '64:ff9b::10.0.0.1'],
    ...['', 'localhost', '10.0.0', '1.2.3.4.5', '256.1.1.1', '1.2.3.4/8', ':::', 'g::1'],
  ]
  const outside = [
    ...['1.0.0.0', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '128.0.0.0'],
    ...[
      '169.253.1.1',
      '172.15.255.255',
      '172.32.0.0',
      '192.167.255.255',
      '192.169.0.0',
      '223.255.1.1',
    ],
    ...[
      '2001:db8::1',
      'fbff::1',
      'fe00::1',
      '[2606:4700::1111]',
      '::ffff:203.0.113.5',
      '::ffff:cb00:7105',
    ],
    ...['64:ff9b::203.0.113.5', '1:2:3:4:5:6:7:8', '::2:0:0'],
  ]
  assert.deepEqual(inside.filter(isPublicAddress), [])
  assert.deepEqual(
    outside.filter((address) => !isPublicAddress(address)),
    [],
  )
})

test('canonicalAddress: one spelling for every way to write an address', () => {
  assert.equal(canonicalAddress('2001:DB8:0:0::7'), '2001:db8::7')
  assert.equal(canonicalAddress('[FE80::1%eth0]'), 'fe80::1')
  assert.equal(canonicalAddress('::ffff:203.0.113.5'), '203.0.113.5')
  assert.equal(canonicalAddress('::FFFF:cb00:7105'), '203.0.113.5')
  assert.equal(canonicalAddress('Pool.Example'), 'pool.example')
})

test('isLoopbackAddress and isLinkLocalV6Address: in every spelling, and nothing else', () => {
  const loopback = ['127.0.0.1', '127.1.2.3', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '[::1]']
  assert.ok(loopback.every(isLoopbackAddress))
  assert.ok(!['128.0.0.1', '::', '::2', '0.0.0.0', '*', ''].some(isLoopbackAddress))
  assert.ok(['fe80::1', 'fe80::1%eth0', 'FEBF::'].every(isLinkLocalV6Address))
  assert.ok(!['fec0::1', 'fe7f::1', '169.254.0.1', ''].some(isLinkLocalV6Address))
})
