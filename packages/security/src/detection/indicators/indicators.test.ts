import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FakeClock } from '../../../test/fake-clock.ts'
import { MemoryIndicatorStore } from '../../adapters/memory/indicator-store.ts'
import { silentLog } from '../../log.ts'
import { Serial } from '../../serial.ts'
import { type IndicatorKind, indicatorValue, networkOf } from './indicator.ts'
import { EXPIRY_INTERVAL_MS, Indicators, MAX_IMPORT, type NewIndicator } from './indicators.ts'
import { IndicatorIndex } from './lookup.ts'

test('indicatorValue: one spelling for each thing', () => {
  const cases: readonly (readonly [IndicatorKind, string, string])[] = [
    ['address', ' 203.0.113.7 ', '203.0.113.7'],
    ['address', '203.0.113.200/24', '203.0.113.0/24'],
    ['address', '203.0.113.7/32', '203.0.113.7'],
    ['address', '::FFFF:203.0.113.7', '203.0.113.7'],
    ['address', '2001:DB8:0:1:2::5/48', '2001:db8::/48'],
    ['domain', 'Evil.Example.', 'evil.example'],
    ['domain', '*.evil.example', 'evil.example'],
    ['url', 'HTTP://Evil.Example/X#y', 'http://evil.example/X'],
    ['hash', 'D41D8CD98F00B204E9800998ECF8427E', 'd41d8cd98f00b204e9800998ecf8427e'],
    ['minerPool', '*:14444', '*:14444'],
    ['minerPool', 'Pool.Example:3333', 'pool.example:3333'],
    ['minerPool', '2001:db8::7', '2001:db8::7'],
  ]
  for (const [kind, text, value] of cases) assert.equal(indicatorValue(kind, text), value)
})

test('indicatorValue: what is none is refused, and so is what would be most of the internet', () => {
  const wrong: readonly (readonly [IndicatorKind, string])[] = [
    ['address', 'evil.example'],
    ['address', '0.0.0.0/0'],
    ['address', '203.0.113.0/33'],
    ['address', '2000::/3'],
    ['domain', 'example'],
    ['domain', 'a b.example'],
    ['domain', '203.0.113.7'],
    ['url', 'ftp://evil.example/x'],
    ['url', 'evil.example'],
    ['hash', 'abc'],
    ['minerPool', '*'],
    ['minerPool', 'pool.example:99999'],
    ['domain', `${'a'.repeat(2000)}.example`],
  ]
  for (const [kind, text] of wrong) {
    assert.throws(() => indicatorValue(kind, text), { code: 'ArgumentInvalid' }, `${kind} ${text}`)
  }
})

test('indicatorValue: reading it again changes nothing, for any address and length', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.ipV6()),
      fc.integer({ min: 16, max: 32 }),
      (address, bits) => {
        const value = indicatorValue('address', `${address}/${bits}`)
        assert.equal(indicatorValue('address', value), value)
      },
    ),
  )
})

test('networkOf: equal for all addresses of a network, and only for them', () => {
  assert.equal(networkOf('203.0.113.255', 25), '203.0.113.128')
  assert.equal(networkOf('203.0.113.1', 25), '203.0.113.0')
  assert.equal(networkOf('2001:db8:ffff::1', 33), '2001:db8:8000::')
})

test('lookup: a doubtful one is not found, one that is no longer doubtful is', () => {
  const base = {
    kind: 'domain',
    value: 'evil.example',
    source: '',
    expiresMs: 0,
    note: '',
  } as const
  const index = new IndicatorIndex([{ ...base, confidence: 49 }])
  assert.equal(index.domain('evil.example', 0), undefined)
  index.put([{ ...base, confidence: 50 }])
  assert.ok(index.domain('evil.example', 0))
  index.put([{ ...base, confidence: 10 }])
  assert.equal(index.domain('evil.example', 0), undefined)
})

async function open() {
  const clock = new FakeClock()
  const store = new MemoryIndicatorStore()
  const indicators = new Indicators({ indicators: store, clock, log: silentLog }, new Serial())
  await indicators.start()
  return { clock, store, indicators }
}

test('import: the same thing again is an update, and rules see it at once', async () => {
  const { clock, store, indicators } = await open()
  const item: NewIndicator = { kind: 'domain', value: 'Evil.example', source: 'a' }
  const [first] = await indicators.import([item, item], 'ann')
  await indicators.import(
    [{ ...item, value: 'evil.example.', source: 'b', severity: 'High' }],
    'bob',
  )
  assert.ok(first)
  const found = await indicators.find(first.id)
  assert.deepEqual([found.source, found.severity, found.changedBy], ['b', 'High', 'bob'])
  assert.equal(await store.count(), 1)
  assert.equal(indicators.lookup.domain('x.evil.example', clock.now())?.source, 'b')
  await indicators.remove(first.id)
  assert.equal(indicators.lookup.domain('x.evil.example', clock.now()), undefined)
  await assert.rejects(indicators.find(first.id), { code: 'GenericNotFound' })
  indicators.close()
})

test('import: one that is wrong refuses all and says which', async () => {
  const { store, indicators } = await open()
  const good: NewIndicator = { kind: 'domain', value: 'evil.example' }
  const wrong: NewIndicator = { kind: 'hash', value: 'x' }
  assert.throws(() => indicators.import([good, wrong], 'ann'), /items\[1\]: "x" is no hash/)
  assert.throws(() => indicators.import([{ ...good, confidence: 101 }], 'ann'), /confidence/)
  const many = Array.from({ length: MAX_IMPORT + 1 }, () => good)
  assert.throws(() => indicators.import(many, 'ann'), { code: 'ArgumentInvalid' })
  assert.equal(await store.count(), 0)
  indicators.close()
})

test('an expired indicator is passed over at once, and forgotten within the hour', async () => {
  const { clock, store, indicators } = await open()
  const expiresMs = clock.now() + 1000
  await indicators.import([{ kind: 'address', value: '203.0.113.7', expiresMs }], 'ann')
  assert.ok(indicators.lookup.address('203.0.113.7', clock.now()))
  await clock.advance(1000)
  assert.equal(indicators.lookup.address('203.0.113.7', clock.now()), undefined)
  assert.equal(await store.count(), 1)
  await clock.advance(EXPIRY_INTERVAL_MS)
  assert.equal(await store.count(), 0)
  indicators.close()
})

test('a list is forgotten whole, and the lists are there again after a start', async () => {
  const { clock, store, indicators } = await open()
  const items = Array.from({ length: 30 }, (_, at): NewIndicator => {
    return { kind: 'address', value: `203.0.113.${at}`, source: at % 2 === 0 ? 'even' : 'odd' }
  })
  await indicators.import(items, 'ann')
  await indicators.removeSource('odd')
  indicators.close()
  const again = new Indicators({ indicators: store, clock, log: silentLog }, new Serial())
  await again.start()
  const found = items.filter(({ value }) => again.lookup.address(value, clock.now()))
  assert.equal(found.length, 15)
  again.close()
})
