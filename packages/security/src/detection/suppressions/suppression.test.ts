import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { alert } from '../../../test/contracts/findings.ts'
import {
  isAbout,
  isInForce,
  type Matcher,
  readSuppression,
  type SuppressionRequest,
} from './suppression.ts'

const NOW_MS = Date.UTC(2026, 0, 1)
const plain: SuppressionRequest = {
  alertType: 'IoT_WebShell',
  expiresUtc: '2026-02-01',
  reason: 'a scanner of ours',
}
const web = alert('a', {
  alertType: 'IoT_WebShell',
  extendedProperties: { CommandLine: 'tee /var/www/a.php', 'User Name': 'www-data', '': 'odd' },
  entities: [
    { type: 'ip', address: '::ffff:10.1.2.3' },
    { type: 'ip', address: '2001:db8::1' },
    { type: 'file', path: '/var/www/a.php' },
  ],
})

function matching(name: string, operator: Matcher['operator'], value: string): boolean {
  return isAbout(readSuppression({ ...plain, match: [{ name, operator, value }] }, NOW_MS), web)
}

test('a suppression is about alerts of its type and device with all that it names', () => {
  const about = (fields: Partial<SuppressionRequest>) =>
    isAbout(readSuppression({ ...plain, ...fields }, NOW_MS), web)
  assert.ok(about({}))
  assert.ok(about({ alertType: '*', deviceId: 'pump-1' }))
  assert.ok(!about({ alertType: 'IoT_ReverseShell' }))
  assert.ok(!about({ deviceId: 'pump-2' }))
  const user: Matcher = { name: 'User Name', operator: 'equals', value: 'www-data' }
  assert.ok(about({ match: [user, { ...user, operator: 'startsWith', value: 'www' }] }))
  assert.ok(!about({ match: [user, { ...user, value: 'root' }] }))
})

test('matchers look into extended properties and entities', () => {
  assert.ok(matching('CommandLine', 'contains', '/var/www/'))
  assert.ok(matching('CommandLine', 'startsWith', 'tee '))
  assert.ok(!matching('CommandLine', 'equals', 'tee'))
  assert.ok(matching('file.path', 'equals', '/var/www/a.php'))
  assert.ok(!matching('file.__proto__', 'contains', 'o'))
  assert.ok(!matching('constructor', 'contains', 'f'))
  assert.ok(!matching('Nothing', 'contains', 'a'))
})

test('cidr takes addresses within a network, in any spelling and of its family only', () => {
  assert.ok(matching('ip.address', 'cidr', '10.1.0.0/16'))
  assert.ok(matching('ip.address', 'cidr', '10.1.2.3'))
  assert.ok(matching('ip.address', 'cidr', '2001:DB8:0::/32'))
  assert.ok(!matching('ip.address', 'cidr', '10.2.0.0/16'))
  assert.ok(!matching('CommandLine', 'cidr', '10.1.0.0/16'))
})

test('what is wrong is named with its member', () => {
  const matcher: Matcher = { name: 'CommandLine', operator: 'contains', value: 'x' }
  const wrong: readonly (readonly [Partial<SuppressionRequest>, RegExp])[] = [
    [{ alertType: ' ' }, /alertType is missing/],
    [{ alertType: '*' }, /alertType is \*: then match, group or deviceId/],
    [{ alertType: 'x'.repeat(129) }, /alertType has 129 of 128/],
    [{ reason: ' ' }, /reason is empty/],
    [{ reason: 'x'.repeat(1_001) }, /reason has 1001 of 1000/],
    [{ expiresUtc: 'soon' }, /expiresUtc must be a time such as .*, or never/],
    [{ expiresUtc: '2025-12-31' }, /expiresUtc is 2025-12-31, which is over/],
    [{ match: Array(17).fill(matcher) }, /match has at most 16/],
    [{ match: [matcher, { ...matcher, name: '' }] }, /match\[1\]\.name is empty/],
    [{ match: [{ ...matcher, value: '' }] }, /match\[0\]\.value is empty/],
    [{ match: [{ ...matcher, value: 'x'.repeat(2_049) }] }, /match\[0\]\.value has 2049 of 2048/],
    [{ match: [{ ...matcher, operator: 'like' as never }] }, /match\[0\]\.operator must be one of/],
    [{ match: [{ ...matcher, operator: 'cidr' }] }, /match\[0\]\.value: "x" is no address/],
  ]
  for (const [fields, message] of wrong) {
    assert.throws(
      () => readSuppression({ ...plain, ...fields }, NOW_MS),
      (error) =>
        error instanceof HubError &&
        error.code === 'ArgumentInvalid' &&
        message.test(error.message),
      String(message),
    )
  }
})

test('a suppression ends with its expiry, and one that never expires does not', () => {
  const dated = readSuppression(plain, NOW_MS)
  assert.ok(isInForce(dated, NOW_MS))
  assert.ok(isInForce(dated, Date.UTC(2026, 1, 1) - 1))
  assert.ok(!isInForce(dated, Date.UTC(2026, 1, 1)))
  const endless = readSuppression({ ...plain, expiresUtc: 'Never' }, NOW_MS)
  assert.ok(isInForce(endless, Number.MAX_SAFE_INTEGER))
  assert.ok(!isInForce({ ...endless, isEnabled: false }, NOW_MS))
})
