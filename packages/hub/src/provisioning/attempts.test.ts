import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '../../test/clock.ts'
import { Attempts, peerKey } from './attempts.ts'

test('take: a burst, then as many as the time allows; others are not affected', () => {
  const clock = new TestClock()
  const attempts = new Attempts(clock, { burst: 3, perSecond: 1 })
  assert.deepEqual(
    [1, 2, 3, 4].map(() => attempts.take('a')),
    [true, true, true, false],
  )
  assert.equal(attempts.take('b'), true)
  clock.advance(1500)
  assert.deepEqual([attempts.take('a'), attempts.take('a')], [true, false])
  clock.advance(3600_000)
  assert.deepEqual(
    [1, 2, 3, 4].map(() => attempts.take('a')),
    [true, true, true, false],
  )
})

test('giveBack: what turned out well does not count', () => {
  const attempts = new Attempts(new TestClock(), { burst: 1, perSecond: 1 })
  for (let n = 0; n < 10; n++) {
    assert.equal(attempts.take('a'), true)
    attempts.giveBack('a')
  }
})

test('take: however many peers come, the oldest is forgotten and the newest is not', () => {
  const attempts = new Attempts(new TestClock(), { burst: 1, perSecond: 1 })
  for (let n = 0; n <= 10_000; n++) attempts.take(`peer-${n}`)
  assert.equal(attempts.take('peer-10000'), false)
  assert.equal(attempts.take('peer-0'), true)
})

test('peerKey: an address without its port; of IPv6 the network', () => {
  const same = [
    ['192.0.2.1', '192.0.2.1:443', '::ffff:192.0.2.1'],
    ['2001:db8:1:2::5', '2001:db8:1:2:3:4:5:6', '2001:DB8:1:2::7:44321'],
    ['2001:db8::1', '2001:db8:0:0:1::'],
  ]
  for (const addresses of same) {
    assert.equal(new Set(addresses.map(peerKey)).size, 1, addresses.join())
  }
  assert.equal(new Set(same.map(([first = '']) => peerKey(first))).size, same.length)
})
