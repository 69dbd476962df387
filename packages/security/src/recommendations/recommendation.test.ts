import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  type Assessment,
  assess,
  liftIfOver,
  MAX_CHANGES,
  type Recommendation,
  type RecommendationType,
} from './recommendation.ts'
import { becomeStale, exempt, liftExemption, switchOff } from './states.ts'

const type: RecommendationType = {
  recommendationType: 'IoT_OpenPorts',
  displayName: 'Open ports on device',
  severity: 'Medium',
  description: 'Ports are open.',
  remediationSteps: ['Close them.'],
}
const refused = { name: 'HubError', code: 'ArgumentInvalid' }
const good: Assessment = { isGood: true }
const bad: Assessment = { isGood: false, additionalData: { Endpoints: '["0.0.0.0:80"]' } }
const worse: Assessment = {
  isGood: false,
  severity: 'High',
  additionalData: { Endpoints: '["0.0.0.0:23"]' },
}

function at(timeMs: number) {
  return { deviceId: 'pump-1', timeMs, source: 'ports' }
}

function robin(timeMs: number) {
  return { timeMs, by: 'robin' }
}

function opened(timeMs = 100): Recommendation {
  const recommendation = assess(undefined, type, bad, at(timeMs))
  assert.ok(recommendation)
  return recommendation
}

function statesOf({ history = [] }: Recommendation) {
  return history.map(({ state, timeMs, by }) => `${timeMs} ${state} ${by}`)
}

test('assess: a bad state opens with the texts of its type; a good one is nothing', () => {
  assert.equal(assess(undefined, type, good, at(1)), undefined)
  assert.deepEqual(opened(), {
    ...type,
    id: 'IoT_OpenPorts|pump-1',
    deviceId: 'pump-1',
    state: 'Active',
    discoveredTimeMs: 100,
    stateChangedMs: 100,
    resolvedTimeMs: 0,
    reopened: 0,
    additionalData: { Endpoints: '["0.0.0.0:80"]' },
    exemptReason: '',
    snapshotTimeMs: 100,
    source: 'ports',
    history: [{ state: 'Active', timeMs: 100, by: 'engine', note: '' }],
  })
})

test('assess: the same again is nothing to store; other data changes no state', () => {
  const first = opened()
  assert.equal(assess(first, type, bad, at(200)), first)
  const updated = assess(first, type, worse, at(200))
  assert.equal(updated?.severity, 'High')
  assert.equal(updated?.additionalData.Endpoints, '["0.0.0.0:23"]')
  assert.deepEqual(
    [updated?.state, updated?.stateChangedMs, updated?.discoveredTimeMs],
    ['Active', 100, 100],
  )
  assert.deepEqual(updated && statesOf(updated), ['100 Active engine'])
})

test('assess: good resolves, bad again reopens the same one and counts', () => {
  const resolved = assess(opened(), type, good, at(200))
  assert.ok(resolved)
  assert.deepEqual(
    [resolved.state, resolved.resolvedTimeMs, resolved.stateChangedMs],
    ['Resolved', 200, 200],
  )
  assert.equal(assess(resolved, type, good, at(300)), resolved)
  const reopened = assess(resolved, type, bad, at(400))
  assert.ok(reopened)
  assert.deepEqual([reopened.state, reopened.reopened, reopened.resolvedTimeMs], ['Active', 1, 0])
  assert.equal(reopened.discoveredTimeMs, 100)
  const expected = ['100 Active engine', '200 Resolved engine', '400 Active engine']
  assert.deepEqual(statesOf(reopened), expected)
})

test('assess: late and replayed snapshots change nothing', () => {
  const first = opened()
  assert.equal(assess(first, type, good, at(99)), first)
  const resolved = assess(first, type, good, at(200))
  assert.equal(assess(resolved, type, bad, at(100)), resolved)
  assert.equal(assess(resolved, type, good, at(200)), resolved)
  assert.equal(assess(resolved, type, bad, at(200)), resolved)
})

test('becomeStale: only what is active, and the next snapshot decides again', () => {
  const stale = becomeStale(opened(), 500)
  assert.deepEqual([stale.state, stale.stateChangedMs, stale.resolvedTimeMs], ['Stale', 500, 0])
  assert.equal(becomeStale(stale, 600), stale)
  const again = assess(stale, type, bad, at(600))
  assert.deepEqual([again?.state, again?.reopened, again?.stateChangedMs], ['Active', 0, 600])
  assert.equal(assess(stale, type, good, at(600))?.state, 'Resolved')
  const resolved = assess(stale, type, good, at(600))
  assert.equal(resolved && becomeStale(resolved, 700), resolved)
})

test('exempt: stays so through good and bad, until its time is over', () => {
  const exempted = exempt(opened(), { reason: ' wanted ', untilMs: 1000 }, robin(150))
  assert.deepEqual(
    [exempted.state, exempted.exemptReason, exempted.stateChangedMs],
    ['Exempt', 'wanted', 150],
  )
  assert.deepEqual(statesOf(exempted), ['100 Active engine', '150 Exempt robin'])
  assert.equal(assess(exempted, type, bad, at(300)), exempted)
  assert.equal(assess(exempted, type, worse, at(300))?.state, 'Exempt')
  assert.equal(liftIfOver(exempted, 999), exempted)
  const lifted = liftIfOver(exempted, 1000)
  assert.deepEqual([lifted.state, lifted.exemptReason], ['Active', ''])
  assert.equal(lifted.exemptUntilMs, undefined)
  assert.equal(assess(exempted, type, bad, at(1000))?.state, 'Active')
  assert.equal(assess(exempted, type, good, at(1000))?.state, 'Resolved')
  const forGood = exempt(opened(), { reason: 'x' }, robin(150))
  assert.equal(assess(forGood, type, worse, at(1e12))?.state, 'Exempt')
})

test('exempt: what became good meanwhile is resolved when the exemption ends', () => {
  const exempted = exempt(opened(), { reason: 'wanted', untilMs: 1000 }, robin(150))
  const better = assess(exempted, type, good, at(200))
  assert.ok(better)
  assert.equal(better.state, 'Exempt')
  assert.equal(assess(better, type, good, at(300)), better)
  assert.equal(liftIfOver(better, 1000).state, 'Resolved')
  assert.equal(liftExemption(better, robin(400)).state, 'Resolved')
  const badAgain = assess(better, type, bad, at(300))
  assert.equal(badAgain && liftIfOver(badAgain, 1000).state, 'Active')
})

test('exempt and liftExemption: only from the state that allows it, with a reason', () => {
  const active = opened()
  const exempted = exempt(active, { reason: 'x', untilMs: 900 }, robin(150))
  assert.equal(liftExemption(exempted, robin(160)).state, 'Active')
  const longer = exempt(exempted, { reason: 'y' }, robin(170))
  assert.deepEqual([longer.exemptReason, longer.exemptUntilMs], ['y', undefined])
  assert.equal(exempt(becomeStale(active, 1), { reason: 'x' }, robin(2)).state, 'Exempt')
  const resolved = assess(active, type, good, at(200))
  assert.ok(resolved)
  assert.throws(() => exempt(resolved, { reason: 'x' }, robin(250)), refused)
  assert.throws(() => liftExemption(active, robin(150)), refused)
  assert.throws(() => exempt(active, { reason: ' ' }, robin(150)), refused)
  assert.throws(() => exempt(active, { reason: 'x'.repeat(1001) }, robin(150)), refused)
  assert.throws(() => exempt(active, { reason: 'x', untilMs: 150 }, robin(150)), refused)
})

test('switchOff: whatever it was is resolved, and the next bad snapshot opens it again', () => {
  const exempted = exempt(opened(), { reason: 'x', untilMs: 900 }, robin(150))
  for (const one of [opened(), becomeStale(opened(), 120), exempted]) {
    const off = switchOff(one, robin(300))
    assert.deepEqual([off.state, off.exemptUntilMs, off.exemptReason], ['Resolved', undefined, ''])
    assert.equal(switchOff(off, robin(400)), off)
    assert.equal(assess(off, type, bad, at(500))?.state, 'Active')
  }
})

test('history: what earlier versions stored has none, and of many changes the first and the newest stay', () => {
  const { history: _, ...old } = opened()
  let one: Recommendation = old
  for (let n = 1; n <= 2 * MAX_CHANGES; n++) {
    one = assess(one, type, n % 2 === 1 ? good : bad, at(100 + n)) ?? one
  }
  assert.equal(one.history?.length, MAX_CHANGES)
  assert.equal(one.history?.[0]?.timeMs, 101)
  assert.equal(one.history?.at(-1)?.timeMs, 100 + 2 * MAX_CHANGES)
})

const step = fc.oneof(
  fc.record({ kind: fc.constant('snapshot' as const), isGood: fc.boolean(), port: fc.nat(2) }),
  fc.record({ kind: fc.constant('stale' as const) }),
  fc.record({ kind: fc.constant('exempt' as const), forMs: fc.nat(5) }),
  fc.record({ kind: fc.constant('time' as const) }),
)

test('any life: a state always says why, times never go back, and a good end is never active', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let one: Recommendation | undefined
      let isGood = true
      for (const [index, each] of steps.entries()) {
        const nowMs = 100 + index
        if (each.kind === 'snapshot') {
          const found = { Endpoints: String(each.port) }
          const assessment = each.isGood ? good : { isGood: false as const, additionalData: found }
          one = assess(one, type, assessment, at(nowMs))
          isGood = each.isGood
        } else if (one && each.kind === 'stale') one = becomeStale(one, nowMs)
        else if (one && each.kind === 'time') one = liftIfOver(one, nowMs)
        else if (one && each.kind === 'exempt' && one.state !== 'Resolved') {
          one = exempt(one, { reason: 'x', untilMs: nowMs + 1 + each.forMs }, robin(nowMs))
        }
        if (!one) continue
        const times = (one.history ?? []).map(({ timeMs }) => timeMs)
        assert.deepEqual(
          times,
          [...times].sort((a, b) => a - b),
        )
        assert.equal(one.history?.at(-1)?.state, one.state)
        assert.equal(one.stateChangedMs, times.at(-1))
        assert.equal(one.state === 'Resolved', one.resolvedTimeMs > 0)
        if (one.state === 'Active' || one.state === 'Stale') assert.equal(isGood, false)
        if (one.state === 'Resolved') assert.equal(isGood, true)
      }
    }),
  )
})
