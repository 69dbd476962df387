import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { isInNetwork, readNetwork } from './network.ts'

test('cidr: the addresses that Node has in a network, and no others', () => {
  const property = fc.property(
    fc.oneof(
      fc.tuple(fc.ipV4(), fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.constant('ipv4' as const)),
      fc.tuple(
        fc.ipV6(),
        fc.ipV6(),
        fc.integer({ min: 0, max: 128 }),
        fc.constant('ipv6' as const),
      ),
    ),
    ([one, other, bits, family]) => {
      const network = readNetwork(`${one}/${bits}`)
      assert.ok(network)
      const list = new BlockList()
      list.addSubnet(one, bits, family)
      // IPv4 within IPv6 is IPv4 here.
      if (family === 'ipv6' && /^(0*:)*:?(ffff:)?[\d.]+$|^64:ff9b/i.test(other)) return
      assert.equal(
        isInNetwork(network, other),
        list.check(other, family),
        `${one}/${bits} ${other}`,
      )
      if (family === 'ipv4') assert.ok(isInNetwork(network, one))
    },
  )
  fc.assert(property, { numRuns: 300 })
})

test('cidr: what is no network or no address', () => {
  for (const text of ['', '10.0.0.0/33', '::/129', 'x/8', '10.0.0/8', '10.0.0.0/']) {
    assert.equal(readNetwork(text), undefined, text)
  }
  const network = readNetwork('10.0.0.0/8')
  assert.ok(network)
  assert.ok(isInNetwork(network, '::ffff:10.1.2.3'))
  for (const text of ['', 'x', '11.0.0.1', '::10.0.0.1:1', '2001:db8::1']) {
    assert.ok(!isInNetwork(network, text), text)
  }
})
