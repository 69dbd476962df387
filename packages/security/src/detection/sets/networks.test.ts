import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalAddress } from './addresses.ts'
import { canonicalNetwork, NetworkSet } from './networks.ts'

test('canonicalNetwork: one spelling per network, always with its length', () => {
  for (const [written, canonical] of [
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['10.255.255.255/31', '10.255.255.254/31'],
    [' 192.0.2.7/24 ', '192.0.2.0/24'],
    ['2001:DB8:0:0::1', '2001:db8::1/128'],
    ['2001:db8:ffff::/33', '2001:db8:8000::/33'],
    ['::/0', '::/0'],
    ['::ffff:10.1.2.3', '10.1.2.3/32'],
    ['::ffff:10.1.2.3/104', '10.0.0.0/8'],
    ['[fe80::1%eth0]/10', 'fe80::/10'],
  ] as const) {
    assert.equal(canonicalNetwork(written), canonical, written)
  }
})

test('canonicalNetwork: what is none is none', () => {
  for (const text of [
    ...['', '/', '10.0.0.0/', '10.0.0.0/33', '10.0.0/8', '10.0.0.0/8/8', '10.0.0.0/-1', '::/129'],
    ...[
      '10.0.0.0/08',
      '10.0.0.0/1e1',
      'example.com',
      '10.0.0.0/8x',
      '::ffff:10.0.0.0/95',
      '1.2.3.4.5',
    ],
  ]) {
    assert.equal(canonicalNetwork(text), undefined, text)
  }
})

const v4 = fc.ipV4()
const v6 = fc.ipV6().filter((text) => canonicalAddress(text).includes(':'))
const network = fc.oneof(
  fc.tuple(v4, fc.integer({ min: 0, max: 32 })),
  fc.tuple(v6, fc.integer({ min: 0, max: 128 })),
)

test('property: an address is found in the set exactly where the platform finds it', () => {
  const property = fc.property(
    fc.array(network, { maxLength: 6 }),
    fc.oneof(v4, v6),
    (list, text) => {
      const address = canonicalAddress(text)
      const family = address.includes(':') ? 'ipv6' : 'ipv4'
      const set = new NetworkSet(
        list.flatMap(([base, length]) => canonicalNetwork(`${base}/${length}`) ?? []),
      )
      const peer = new BlockList()
      for (const [base, length] of list) {
        // The platform's list finds IPv4 in networks of IPv6 too.
        if (canonicalAddress(base).includes(':') !== (family === 'ipv6')) continue
        peer.addSubnet(canonicalAddress(base), length, family)
      }
      assert.equal(set.find(address) !== undefined, peer.check(address, family))
    },
  )
  fc.assert(property)
})
