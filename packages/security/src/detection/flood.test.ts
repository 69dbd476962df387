import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyMemory, processRecord } from '../../test/records.ts'
import type { Alert } from './alert.ts'
import { dedupeKey, openOrUpdate, opensAlert } from './alerts.ts'
import { evaluateRecords, type Finding } from './evaluate.ts'
import { admitAlert, floodFinding, holdBack, MAX_NEW_ALERTS, RATE_WINDOW_MS } from './flood.ts'
import type { RuleMemory } from './rule.ts'
import { builtInRules } from './rules/index.ts'

/** What a caller does with its findings. */
function apply(findings: readonly Finding[], memory: RuleMemory, nowMs: number) {
  const alerts = new Map<string, Alert>()
  const makeId = () => `id-${alerts.size}`
  for (const finding of findings) {
    const key = dedupeKey(finding)
    const existing = alerts.get(key)
    if (!opensAlert(existing, finding) || admitAlert(memory, nowMs)) {
      alerts.set(key, openOrUpdate(existing, finding, nowMs, makeId))
    } else {
      const flood = floodFinding(finding)
      const floodKey = dedupeKey(flood)
      alerts.set(floodKey, holdBack(alerts.get(floodKey), flood, nowMs, makeId))
    }
  }
  return [...alerts.values()]
}

function findings(count: number): readonly Finding[] {
  const records = Array.from({ length: count }, (_, at) =>
    processRecord({ cmd: `iptables -F x${at}` }, { eventId: `e${at}` }),
  )
  return evaluateRecords(records, builtInRules(), emptyMemory())
}

test('rate limit: 20 new alerts an hour, then one that says how many were held back', () => {
  const alerts = apply(findings(MAX_NEW_ALERTS + 30), emptyMemory(), 1000)
  assert.equal(alerts.length, MAX_NEW_ALERTS + 1)
  const flood = alerts.at(-1)
  assert.equal(flood?.alertType, 'IoT_AlertFlood')
  assert.equal(flood?.count, 30)
  assert.deepEqual(flood?.extendedProperties, { DeviceId: 'pump-1', 'Held Back': '30' })
  assert.match(flood?.evidence[0]?.summary ?? '', /^IoT_DisableFirewall: iptables drops rules/)
})

test('rate limit: a find of an alert that is open is no new alert', () => {
  const [finding] = findings(1)
  assert.ok(finding)
  const again = Array.from({ length: 50 }, (_, element) => ({ ...finding, element }))
  const alerts = apply(again, emptyMemory(), 1000)
  assert.deepEqual(
    alerts.map(({ count }) => count),
    [50],
  )
})

test('rate limit: a new window, and a clock set back, begin anew', () => {
  const memory = emptyMemory()
  for (let at = 0; at < MAX_NEW_ALERTS; at++) assert.ok(admitAlert(memory, 5000 + at))
  assert.equal(admitAlert(memory, 5000 + RATE_WINDOW_MS - 1), false)
  assert.equal(admitAlert(memory, 5000 + RATE_WINDOW_MS), true)
  for (let at = 1; at < MAX_NEW_ALERTS; at++) assert.ok(admitAlert(memory, 5000 + RATE_WINDOW_MS))
  assert.equal(admitAlert(memory, 5000 + RATE_WINDOW_MS), false)
  assert.equal(admitAlert(memory, 4000), true)
})

test('rate limit: what maintenance expects leaves room for what it does not', () => {
  const memory = emptyMemory()
  const expected = { maintenance: 'new firmware' }
  for (let at = 0; at < MAX_NEW_ALERTS; at++) assert.ok(admitAlert(memory, 5000, expected))
  assert.equal(admitAlert(memory, 5000, expected), false)
  assert.equal(admitAlert(memory, 5000), true)
})

test('flood: two rules that find something in one record are two that were held back', () => {
  const record = processRecord({ cmd: 'iptables -F; history -c' })
  const both = evaluateRecords([record], builtInRules(), emptyMemory()).map(floodFinding)
  assert.equal(both.length, 2)
  let alert: Alert | undefined
  for (const flood of [...both, ...both]) alert = holdBack(alert, flood, 0, () => 'id')
  assert.equal(alert?.count, 2)
  assert.equal(alert?.extendedProperties['Held Back'], '2')
})
