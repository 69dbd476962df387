import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ApiError } from '../src/api-error.ts'
import { securityGroupSet } from '../src/commands/security-group-set.ts'
import { securityGroupTest } from '../src/commands/security-group-test.ts'
import { type Call, fakeContext, fakeInput } from './fake.ts'

const folder = mkdtempSync(join(tmpdir(), 'groups-'))
after(() => rmSync(folder, { recursive: true }))

const rule = (ruleType: string, fields: object) => ({ ruleType, isEnabled: false, ...fields })
const plant = {
  ...{ name: 'plant', etag: 'e1', version: 1, changedUtc: '2026-01-01T00:00:00Z', by: 'owner' },
  timeWindowRules: [],
  allowlistRules: [rule('ProcessNotAllowed', { allowlistValues: ['sshd'] })],
  denylistRules: [],
  thresholdRules: [],
  settings: { buildUsers: ['a'], compat: 'legacy' },
}

function answerGroup({ method, body }: Call) {
  return method === 'PUT' ? { ...plant, ...(body as object) } : plant
}

test('group set: options grow lists, switch rules on and keep the rest, at the etag that was read', async () => {
  const { context, calls } = fakeContext(answerGroup)
  const options = {
    ...{ allowProcess: ['nc', '/bin/x'], window: ['MqttD2CMessagesNotInAllowedRange=1..6/PT5M'] },
    ...{ threshold: ['LocalUsersNotInAllowedRange=0..5'], updateWindow: ['Mon,Tue 02:00 PT2H'] },
    ...{ buildUser: ['b'], failedLogins: '3/PT10M', compat: 'none', userChanges: 'not' },
    allowHardware: ['vendorId=0781,productId=5567'],
  }
  await securityGroupSet.run(fakeInput(['plant'], options), context)
  const [, put] = calls
  assert.deepEqual(
    [put?.method, put?.path, put?.ifMatch],
    ['PUT', '/api/security/groups/plant', 'e1'],
  )
  const { allowlistRules, timeWindowRules, thresholdRules, settings } = (put?.body ??
    {}) as typeof plant
  assert.deepEqual(allowlistRules[0], {
    ...{
      ruleType: 'ProcessNotAllowed',
      isEnabled: true,
      allowlistValues: ['sshd', 'nc', '/bin/x'],
    },
  })
  const range = { isEnabled: true, minThreshold: 1, maxThreshold: 6, timeWindowSize: 'PT5M' }
  assert.deepEqual(timeWindowRules, [{ ruleType: 'MqttD2CMessagesNotInAllowedRange', ...range }])
  assert.deepEqual(thresholdRules, [
    {
      ...{ ruleType: 'LocalUsersNotInAllowedRange', isEnabled: true },
      ...{ minThreshold: 0, maxThreshold: 5 },
    },
  ])
  assert.deepEqual(settings, {
    ...{ buildUsers: ['a', 'b'], compat: null, userChangesExpected: false },
    failedLogins: { threshold: 3, window: 'PT10M' },
    updateWindows: [{ days: ['Mon', 'Tue'], start: '02:00', duration: 'PT2H' }],
    allowedHardware: [{ vendorId: '0781', productId: '5567' }],
  })
})

test('group set: a group that is missing is made', async () => {
  const { context, calls } = fakeContext((call) => {
    if (call.method === 'GET') throw new ApiError(404, 'GenericNotFound', 'no group')
    return answerGroup(call)
  })
  await securityGroupSet.run(fakeInput(['new'], { denyDomain: ['evil.example'] }), context)
  const body = (calls[1]?.body ?? {}) as typeof plant
  assert.equal(calls[1]?.ifMatch, undefined)
  assert.deepEqual(body.denylistRules, [
    { ruleType: 'DomainNameDenied', isEnabled: true, denylistValues: ['evil.example'] },
  ])
})

test('group set: a file of exported resources becomes a request for each', async () => {
  const file = join(folder, 'exported.json')
  const resource = (name: string) => ({ id: '/x', name, properties: { allowlistRules: [] } })
  writeFileSync(file, JSON.stringify({ value: [resource('East'), resource('a b')] }))
  const { context, calls } = fakeContext(answerGroup)
  await securityGroupSet.run(fakeInput([''], { file }), context)
  assert.deepEqual(
    calls.map(({ method, path }) => `${method} ${path}`),
    ['PUT /api/security/groups/East', 'PUT /api/security/groups/a%20b'],
  )
  assert.deepEqual(calls[0]?.body, { id: '/x', properties: { allowlistRules: [] } })
  await assert.rejects(
    securityGroupSet.run(fakeInput(['one'], { file }), context),
    /holds 2 groups/,
  )
})

test('group set: what cannot be read is refused before anything is sent', async () => {
  const { context, calls } = fakeContext(answerGroup)
  for (const options of [
    {},
    { window: ['MqttD2CMessagesNotInAllowedRange=1..6'] },
    { threshold: ['LocalUsersNotInAllowedRange=1'] },
    { off: ['Nonsense'] },
    { allowHardware: ['5567'] },
    { updateWindow: ['02:00'] },
    { failedLogins: 'many' },
  ]) {
    const run = securityGroupSet.run(fakeInput(['plant'], options), context)
    await assert.rejects(run, { name: 'UsageError' }, JSON.stringify(options))
  }
  assert.ok(calls.every(({ method }) => method === 'GET'))
})

test('group test: goes on where the server ended, adds up, and says what was not tried', async () => {
  const part = (coveredFromUtc: string, isComplete: boolean) => ({
    ...{ fromUtc: '2026-01-01T00:00:00Z', toUtc: '2026-01-08T00:00:00Z', coveredFromUtc },
    ...{ isComplete, reason: isComplete ? '' : 'It took 10 s.', events: 5 },
    rules: [
      {
        ...{ ruleType: 'ProcessNotAllowed', fired: 2, values: [{ value: '/bin/a', count: 2 }] },
        places: [{ deviceId: 'pump-1', timeUtc: '2026-01-05T00:00:00Z' }],
      },
    ],
    skipped: [{ ruleType: 'X', reason: 'The hub counts this.' }],
  })
  const answers = [part('2026-01-04T00:00:00Z', false), part('2026-01-01T00:00:00Z', true)]
  const { context, calls, stdout, stderr } = fakeContext(() => answers.shift())
  await securityGroupTest.run(fakeInput(['plant'], { days: 7 }), context)
  assert.deepEqual(
    calls.map(({ body }) => body),
    [{ days: 7 }, { fromUtc: '2026-01-01T00:00:00Z', toUtc: '2026-01-04T00:00:00Z' }],
  )
  assert.match(stdout(), /10 events of the group since 2026-01-01/)
  assert.match(stdout(), /ProcessNotAllowed +4 /)
  assert.match(stdout(), /\/bin\/a +4/)
  assert.match(stderr(), /Read 5 events, back to 2026-01-04/)
  assert.match(stderr(), /X was not tried: The hub counts this\./)
})
