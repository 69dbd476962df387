import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryIpFilter } from '../adapters/memory/ip-filter.ts'
import { IpFilter, readRules } from './ip-filter.ts'

const rule = (action: 'accept' | 'reject', mask: string) => ({ name: mask, action, mask })

async function filterOf(...rules: readonly unknown[]): Promise<IpFilter> {
  const filter = new IpFilter(new MemoryIpFilter())
  await filter.set(rules)
  return filter
}

test('without rules everybody may connect; with them the first that holds the address decides', async () => {
  const open = await filterOf()
  assert.equal(open.allows('203.0.113.9'), true)
  const filter = await filterOf(
    rule('reject', '10.1.2.3'),
    rule('accept', '10.0.0.0/8'),
    rule('accept', '2001:db8::/32'),
    rule('reject', '0.0.0.0/0'),
    rule('reject', '::/0'),
  )
  const allowed = ['10.1.2.4', '::ffff:10.9.9.9', '2001:db8::7', '127.0.0.1', '::1']
  for (const address of allowed) assert.equal(filter.allows(address), true, address)
  const refused = ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.1', '2001:db9::7', '', 'nonsense']
  for (const address of refused) assert.equal(filter.allows(address), false, address)
  assert.equal(filter.refusedCount, refused.length)
})

test('rules outlive the process; what is wrong with one is named, and nothing changes', async () => {
  const store = new MemoryIpFilter()
  const first = new IpFilter(store)
  await first.set([rule('reject', '192.0.2.0/24')])
  await assert.rejects(first.set([rule('accept', '10.0.0.0/33')]), /rules\[0\]\.mask/)
  const second = new IpFilter(store)
  await second.load()
  assert.equal(second.allows('192.0.2.9'), false)
  for (const [value, message] of [
    [{}, /list/],
    [[1], /rules\[0\] must be an object/],
    [[{ action: 'accept', mask: '1.2.3.4' }], /name/],
    [[{ name: 'a', action: 'drop', mask: '1.2.3.4' }], /action/],
    [[{ name: 'a', action: 'accept', mask: '1.2.3' }], /mask/],
    [[{ name: 'a', action: 'accept', mask: 'fe80::1%eth0' }], /mask/],
    [[{ name: 'a', action: 'accept', mask: '::ffff:10.0.0.0/104' }], /mask/],
    [Array(101).fill(rule('accept', '1.2.3.4')), /101 of 100/],
  ] as const) {
    assert.throws(() => readRules(value), message)
  }
})

test('any address is decided on, and rules of one family say nothing about the other', async () => {
  const filter = await filterOf(rule('reject', '0.0.0.0/0'))
  fc.assert(fc.property(fc.ipV6(), (address) => filter.allows(address) || /ffff|\./.test(address)))
  fc.assert(fc.property(fc.ipV4(), (address) => !filter.allows(address) || address === '127.0.0.1'))
  const other = await filterOf(rule('reject', '::/0'))
  fc.assert(fc.property(fc.ipV4(), (address) => other.allows(address)))
  assert.equal(other.allows('2001:db8::7'), false)
  assert.equal(other.allows('fe80::7%eth0'), false)
})
