import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  assessDenyAll,
  assessObserved,
  assessRanges,
  type IpFilterRule,
  MAX_PROPOSED_RULES,
  proposeNetworks,
} from './ip-filter.ts'
import { parseNetwork } from './ip-networks.ts'

function rule(action: IpFilterRule['action'], mask: string): IpFilterRule {
  return { name: mask, action, mask }
}

const closed = [rule('accept', '10.1.0.0/16'), rule('reject', '0.0.0.0/0'), rule('reject', '::/0')]

test('assessDenyAll: both families end with a rule that rejects all', () => {
  assert.deepEqual(assessDenyAll(closed), { isGood: true })
  assert.deepEqual(assessDenyAll(closed.slice(0, 2)), {
    isGood: false,
    additionalData: { Families: '["IPv6"]' },
  })
  assert.equal(assessDenyAll([]).isGood, false)
  assert.equal(assessDenyAll([rule('accept', '0.0.0.0/0'), rule('reject', '::/0')]).isGood, false)
})

test('assessRanges: accepting rules shorter than /16 and /48', () => {
  assert.deepEqual(assessRanges(closed), { isGood: true })
  for (const mask of ['10.0.0.0/15', '0.0.0.0/0', '2001:db8::/47', '::/0']) {
    assert.equal(assessRanges([rule('accept', mask)]).isGood, false, mask)
    assert.equal(assessRanges([rule('reject', mask)]).isGood, true, mask)
  }
  for (const mask of ['10.0.0.0/16', '10.1.2.3', '2001:db8::/48', 'nonsense', '1.2.3.4/33']) {
    assert.equal(assessRanges([rule('accept', mask)]).isGood, true, mask)
  }
})

test('proposeNetworks: neighbours become one network, others stay apart, IPv4 before IPv6', () => {
  const observed = ['10.0.0.1', '10.0.0.0', '10.0.0.2', '10.0.0.3', '192.0.2.7', '10.0.0.1', 'x']
  assert.deepEqual(proposeNetworks([...observed, '2001:db8::1', '::ffff:192.0.2.7']), [
    ...['10.0.0.0/30', '192.0.2.7/32', '2001:db8::1/128'],
  ])
  assert.deepEqual(proposeNetworks([]), [])
  assert.equal(assessObserved([], observed).isGood, false)
  assert.deepEqual(assessObserved(closed, observed), { isGood: true })
  assert.deepEqual(assessObserved([], []), { isGood: true })
})

test('proposeNetworks: any addresses are held, by few networks that do not overlap', () => {
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.ipV4().map((text) => `10.1.${text.split('.').slice(2).join('.')}`),
  )
  fc.assert(
    fc.property(fc.array(address, { maxLength: 100 }), (observed) => {
      const networks = proposeNetworks(observed).map((text) => parseNetwork(text))
      assert.ok(networks.length <= MAX_PROPOSED_RULES)
      for (const text of observed) {
        const one = parseNetwork(text)
        if (!one) continue
        const holding = networks.filter((network) => {
          if (network?.family !== one.family) return false
          const rest = BigInt((one.family === 4 ? 32 : 128) - network.bits)
          return one.first >> rest === network.first >> rest
        })
        assert.equal(holding.length, 1, text)
      }
    }),
    { numRuns: 50 },
  )
})
