import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyMemory } from '../../../test/records.ts'
import type { DeviceUse } from '../../activity/hub-activity.ts'
import type { Rejection } from '../../ingestion/record.ts'
import { builtInRules } from '../rules/index.ts'
import { HUB_CATALOGUE } from './catalogue.ts'
import { STORM_CONNECTS, stormFinding } from './connection-storm.ts'
import { hubRecord } from './hub-record.ts'
import { MAX_PRINCIPALS, unusualPrincipal } from './identities.ts'
import { hubAlertTypes } from './index.ts'
import { countRefused, MIN_REFUSALS, REFUSAL_WINDOW_MS } from './refused-messages.ts'

test('hub alerts: those that are published have their names and severities', () => {
  const types = new Map(hubAlertTypes.map((type) => [type.alertType, type]))
  for (const { number, alertType, severity } of HUB_CATALOGUE) {
    assert.deepEqual(
      [types.get(alertType)?.number, types.get(alertType)?.severity],
      [number, severity],
    )
  }
})

test('hub alerts: types are unique and have everything that a person is shown', () => {
  const all = [...hubAlertTypes, ...builtInRules().map(({ type }) => type)]
  assert.equal(new Set(all.map(({ alertType }) => alertType)).size, all.length)
  assert.equal(new Set(all.map(({ number }) => number)).size, all.length)
  for (const {
    alertType,
    remediationSteps,
    description,
    displayName,
    techniques,
  } of hubAlertTypes) {
    assert.ok(remediationSteps.length >= 3, alertType)
    assert.ok(description.length > 80 && displayName.length > 0, alertType)
    assert.ok(techniques.length > 0, alertType)
    for (const technique of techniques) assert.match(technique, /^T\d{4}(\.\d{3})?$/)
  }
})

test('connection storm: from so many connections in one minute on', () => {
  const use = (connects: number): DeviceUse => ({ deviceId: 'pump-1', counts: { connects } })
  assert.equal(stormFinding(use(STORM_CONNECTS - 1), 60_000), undefined)
  const finding = stormFinding(use(STORM_CONNECTS), 60_000)
  assert.equal(finding?.record.header.timeMs, 60_000)
  assert.equal(finding?.match.extendedProperties.Connections, String(STORM_CONNECTS))
})

test('refused messages: told once an hour, with the reason, when there are enough', () => {
  const memory = emptyMemory()
  const refuse = (times: number, receivedMs: number) => {
    const one: Rejection = {
      ...{ ref: { deviceId: 'pump-1' }, sequence: 1, receivedMs, reason: 'no JSON', excerpt: '' },
    }
    return countRefused(
      memory,
      Array.from({ length: times }, () => one),
    )
  }
  assert.equal(refuse(MIN_REFUSALS - 1, 1000), undefined)
  assert.match(refuse(1, 2000)?.match.summary ?? '', /10 refusals.*no JSON/)
  assert.equal(refuse(500, 3000), undefined)
  assert.equal(refuse(MIN_REFUSALS - 1, 1000 + REFUSAL_WINDOW_MS), undefined)
  assert.ok(refuse(1, 2000 + REFUSAL_WINDOW_MS))
  assert.equal(countRefused(memory, []), undefined)
})

test('unusual principals: what is remembered is bounded, the newest stay', () => {
  const memory = emptyMemory()
  for (let n = 0; n < 3 * MAX_PRINCIPALS; n++) {
    const event = { kind: 'security.change', outcome: 'success', principal: `policy-${n}` } as const
    const record = hubRecord({ ...event, sequence: n, firstMs: n, lastMs: n, count: 1 }, n)
    unusualPrincipal.evaluate({ record }, memory, undefined as never)
  }
  const names = Object.keys(memory.get('principals') ?? {})
  assert.equal(names.length, MAX_PRINCIPALS)
  assert.ok(names.includes(`policy-${3 * MAX_PRINCIPALS - 1}`))
})
