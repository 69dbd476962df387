import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '@twinward/protocol'
import { DEFAULT_GROUP_SETTINGS } from './group-settings.ts'
import { groupView, readGroup } from './group-wire.ts'
import { RULE_TYPES } from './rule-types.ts'
import { MAX_LIST_VALUES, NO_RULES, type SecurityGroup } from './security-group.ts'

const PUBLISHED = {
  id: '/subscriptions/0/providers/Microsoft.Security/deviceSecurityGroups/samplesecuritygroup',
  name: 'samplesecuritygroup',
  type: 'Microsoft.Security/deviceSecurityGroups',
  properties: {
    timeWindowRules: [
      {
        ...{ displayName: 'x', description: 'y', isEnabled: true, minThreshold: 0 },
        ...{ ruleType: 'ActiveConnectionsNotInAllowedRange', maxThreshold: 30 },
        timeWindowSize: 'PT5M',
      },
    ],
    allowlistRules: [
      {
        ...{ ruleType: 'ConnectionToIpNotAllowed', isEnabled: true, valueType: 'IpCidr' },
        allowlistValues: ['10.1.2.3/8', '203.0.113.10/32', '10.0.0.0/8'],
      },
    ],
    denylistRules: [],
    thresholdRules: [],
  },
}

function stored(body: JsonValue): SecurityGroup {
  const { draft } = readGroup(body)
  const change = { version: 1, etag: 'e', changedMs: 1_700_000_000_000, by: 'owner' }
  return { ...draft, name: 'west', settings: draft.settings ?? DEFAULT_GROUP_SETTINGS, ...change }
}

function mistakes(body: JsonValue): string {
  try {
    readGroup(body)
  } catch (error) {
    assert.deepEqual([(error as { code?: string }).code], ['ArgumentInvalid'])
    return (error as Error).message
  }
  return assert.fail('it was not refused')
}

test('the published resource is read; networks are canonical, each once', () => {
  const { name, draft } = readGroup(PUBLISHED)
  assert.equal(name, 'samplesecuritygroup')
  assert.equal(draft.settings, undefined)
  const [window] = draft.timeWindowRules
  assert.deepEqual(window, {
    ...{ ruleType: 'ActiveConnectionsNotInAllowedRange', isEnabled: true },
    ...{ minThreshold: 0, maxThreshold: 30, timeWindowMs: 300_000 },
  })
  const { allowlistValues } = draft.allowlistRules[0] ?? assert.fail()
  assert.deepEqual(allowlistValues, ['10.0.0.0/8', '203.0.113.10/32'])
})

test('an empty group has every rule type, disabled', () => {
  assert.deepEqual(readGroup({}).draft, NO_RULES)
  assert.deepEqual(readGroup({ properties: {} }).draft, NO_RULES)
  assert.equal(NO_RULES.timeWindowRules.length, 16)
})

test('the answer names all rule types with their texts and can be sent back as it is', () => {
  const group = stored({ ...PUBLISHED.properties, settings: SETTINGS })
  const view = groupView(group) as Record<string, JsonValue>
  for (const [list, types] of Object.entries(RULE_TYPES)) {
    const rules = view[list] as readonly { ruleType: string; displayName: string }[]
    const named = rules.map(({ ruleType, displayName }) => [ruleType, displayName])
    assert.deepEqual(
      named,
      types.map(({ ruleType, displayName }) => [ruleType, displayName]),
    )
  }
  assert.deepEqual(view.settings, { ...SETTINGS, learningUntilUtc: '2027-01-01T00:00:00.000Z' })
  const { draft } = readGroup(JSON.parse(JSON.stringify(view)) as JsonValue)
  assert.deepEqual({ ...group, ...draft }, group)
})

const SETTINGS = {
  allowedListeners: ['tcp/22', 'udp/*:5353'],
  allowedHardware: [{ class: '3' }, { interface: 'eth0' }],
  updateWindows: [{ days: ['Mon', 'Sat'], start: '02:30', duration: 'PT2H' }],
  maintenanceWindows: [
    { fromUtc: '2026-01-01T00:00:00.000Z', toUtc: '2026-01-02T00:00:00.000Z', reason: 'move' },
  ],
  buildUsers: ['jenkins'],
  userChangesExpected: false,
  failedLogins: { threshold: 3, window: 'PT10M' },
  compat: 'legacy',
  learningUntilUtc: '2027-01-01',
}

test('settings: what is absent is its default, whatever is given is read', () => {
  assert.deepEqual(readGroup({ settings: {} }).draft.settings, DEFAULT_GROUP_SETTINGS)
  const { settings } = readGroup({ settings: SETTINGS }).draft
  assert.deepEqual(settings?.updateWindows, [
    { days: [1, 6], startMinute: 150, durationMinutes: 120 },
  ])
  assert.deepEqual(settings?.failedLogins, { threshold: 3, windowMs: 600_000 })
  assert.equal(settings?.learningUntilMs, Date.UTC(2027, 0, 1))
})

test('every mistake is told, with its path', () => {
  const window = { ruleType: 'MqttD2CMessagesNotInAllowedRange' }
  const cases: readonly (readonly [JsonValue, string])[] = [
    [null, 'body: it is missing'],
    [[], 'body: it is no object'],
    [
      { timeWindowRule: [] },
      'timeWindowRule: there is no such member; did you mean timeWindowRules?',
    ],
    [{ properties: { timeWindowRules: 7 } }, 'properties.timeWindowRules: it is no array'],
    [{ timeWindowRules: [{ ...window, minThreshold: -1 }] }, 'minThreshold: -1 is no whole number'],
    [{ timeWindowRules: [{ ...window, maxThreshold: 2 ** 31 }] }, 'maxThreshold: 2147483648 is no'],
    [{ timeWindowRules: [{ ...window, minThreshold: 1.5 }] }, 'minThreshold: 1.5 is no'],
    [{ timeWindowRules: [{ ...window, timeWindowSize: 'P2D' }] }, 'is not within PT1M to P1D'],
    [{ timeWindowRules: [{ ...window, timeWindowSize: 'PT90S' }] }, 'has no whole minutes'],
    [{ timeWindowRules: [{ ...window, timeWindowSize: 5 }] }, '5 is no ISO 8601 duration'],
    [{ timeWindowRules: [window, window] }, 'there is a second rule MqttD2C'],
    [
      { timeWindowRules: [{ isEnabled: true }] },
      'timeWindowRules[0].ruleType: nothing is no rule type',
    ],
    [{ allowlistRules: [{ ruleType: 'ProcessDenied' }] }, 'is no rule type of allowlistRules'],
    [{ allowlistRules: [{ ruleType: 'Nonsense' }] }, 'known are ConnectionToIpNotAllowed, Local'],
    [
      { allowlistRules: [{ ruleType: 'ProcessNotAllowed', isEnabled: 'yes' }] },
      'isEnabled: it is neither',
    ],
    [deny('ProcessDenied', ['']), 'denylistRules[0].denylistValues[0]: it is empty'],
    [deny('ProcessDenied', ['a\u0000b']), 'it has control characters'],
    [deny('ProcessDenied', [5]), 'it is no text'],
    [deny('DomainNameDenied', ['a b.example']), 'is no domain name'],
    [deny('DomainNameDenied', ['192.0.2.1']), 'is no domain name'],
    [deny('ConnectionToIpDenied', ['10.0.0.0/40']), '"10.0.0.0/40" is no network'],
    [
      deny(
        'ProcessDenied',
        Array.from({ length: MAX_LIST_VALUES + 1 }, (_, at) => `p${at}`),
      ),
      `denylistValues: it has 1001 elements, at most ${MAX_LIST_VALUES}`,
    ],
    [{ thresholdRules: [{ ruleType: 'LocalUsers' }] }, 'is no rule type of thresholdRules'],
    [
      { settings: { allowedListeners: ['22'] } },
      'settings.allowedListeners[0]: "22" is no listener',
    ],
    [{ settings: { allowedHardware: [{}] } }, 'it names none of bus'],
    [{ settings: { compat: 'old' } }, 'settings.compat: "old" is none of legacy, micro'],
    [{ settings: { failedLogins: { threshold: 0 } } }, 'threshold: 0 is no whole number from 1'],
    [{ settings: { learningUntilUtc: 'soon' } }, 'learningUntilUtc: "soon" is no time'],
    // Anything else would be read in the zone of the server.
    [{ settings: { learningUntilUtc: '2026-1-5' } }, 'learningUntilUtc: "2026-1-5" is no time'],
    [
      { settings: { maintenanceWindows: [{ fromUtc: '2026-01-02', toUtc: '2026-01-01' }] } },
      'toUtc must be after fromUtc',
    ],
  ]
  for (const [body, part] of cases)
    assert.ok(mistakes(body).includes(part), `${mistakes(body)} | ${part}`)
})

test('many mistakes: the first fifty are listed, the others counted', () => {
  const values = Array.from({ length: 80 }, () => 'x/y')
  const text = mistakes(deny('ConnectionToIpDenied', values))
  assert.equal(text.split('is no network').length - 1, 50)
  assert.ok(text.includes('and 30 more'))
})

function deny(ruleType: string, denylistValues: JsonValue): JsonValue {
  return { denylistRules: [{ ruleType, isEnabled: true, denylistValues }] }
}

test('a time without a zone is UTC, wherever the server is', () => {
  for (const text of ['2026-07-01T12:00', '2026-07-01 12:00', '2026-07-01T14:00:00+02:00']) {
    const { settings } = readGroup({ settings: { learningUntilUtc: text } }).draft
    assert.equal(settings?.learningUntilMs, Date.UTC(2026, 6, 1, 12), text)
  }
})
