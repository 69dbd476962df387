import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { denying, MODULE, openGroups as open } from '../../test/group-world.ts'
import { GROUP_RETRY_MS, MAX_GROUP_AGE_MS } from './device-groups.ts'
import { DEFAULT_GROUP_SETTINGS } from './group-settings.ts'
import { readGroup } from './group-wire.ts'
import { MAX_GROUPS } from './security-group.ts'

const by = { by: 'owner' }

test('groups outlive the service; names are compared in lower case', async () => {
  const { groups, store } = await open()
  const put = await groups.put(' West ', denying('nc'), by)
  assert.deepEqual([put.name, put.version, put.by], ['west', 1, 'owner'])
  const again = await open({ store })
  assert.deepEqual(again.groups.list(), [put])
  assert.deepEqual(again.groups.get('WEST'), put)
})

test('a change grows the version and never repeats an etag, not even after a removal', async () => {
  const { groups } = await open()
  const first = await groups.put('west', denying('nc'), by)
  const second = await groups.put('west', denying('nc'), { ...by, ifMatch: first.etag })
  assert.equal(second.version, 2)
  const stale = { name: 'HubError', code: 'PreconditionFailed' }
  await assert.rejects(groups.put('west', denying(), { ...by, ifMatch: first.etag }), stale)
  await assert.rejects(groups.put('east', denying(), { ...by, ifMatch: '*' }), stale)
  await assert.rejects(groups.remove('west', { ...by, ifMatch: first.etag }), stale)
  await groups.remove('west', { ...by, ifMatch: second.etag })
  assert.equal(groups.find('west'), undefined)
  const third = await groups.put('west', denying('nc'), { ...by, isNew: true })
  assert.equal(new Set([first.etag, second.etag, third.etag]).size, 3)
  await assert.rejects(groups.put('west', denying(), { ...by, isNew: true }), {
    code: 'GenericConflict',
  })
  await assert.rejects(groups.remove('east', by), { code: 'GenericNotFound' })
})

test('of two writers with one etag, one wins', async () => {
  const { groups } = await open()
  const { etag: ifMatch } = await groups.put('west', denying('nc'), by)
  const writes = ['a', 'b', 'c'].map((name) =>
    groups.put('west', denying(name), { ...by, ifMatch }),
  )
  const outcomes = await Promise.allSettled(writes)
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.equal(groups.get('west').version, 2)
})

test('a draft without settings leaves those of the group', async () => {
  const { groups } = await open()
  await groups.put('west', denying('nc'), by)
  const { settings } = await groups.put('west', readGroup({}).draft, by)
  assert.deepEqual(settings.buildUsers, ['jenkins'])
  assert.deepEqual((await groups.put('west', readGroup({ settings: {} }).draft, by)).settings, {
    ...DEFAULT_GROUP_SETTINGS,
  })
})

test('one group too many is refused', async () => {
  const { groups } = await open()
  for (let at = 0; at < MAX_GROUPS; at++) await groups.put(`g${at}`, readGroup({}).draft, by)
  await assert.rejects(groups.put('more', readGroup({}).draft, by), { code: 'IotHubQuotaExceeded' })
  await groups.put('g7', denying('nc'), by)
})

test('without groups no twin is read for a message', async () => {
  const { platform, groups, calls } = await open()
  platform.addDevice('pump-1', { SecurityGroup: 'West' })
  assert.equal(await groups.settingsFor('pump-1'), DEFAULT_GROUP_SETTINGS)
  assert.deepEqual(await groups.rulesFor('pump-1'), [])
  assert.deepEqual(calls, [])
})

test('twins are read once for many messages, and again when a tag or a module changes', async () => {
  const { platform, groups, calls } = await open()
  await groups.put('west', denying('nc'), by)
  await groups.put('inner', denying('nmap'), by)
  platform.addDevice('pump-1', { SecurityGroup: 'West' })
  const rules = await groups.rulesFor('pump-1')
  assert.equal(rules.length, 1)
  for (let at = 0; at < 10; at++) assert.equal(await groups.rulesFor('pump-1'), rules)
  assert.deepEqual(calls, ['deviceTags'], 'its own tag decides, so no module is read')
  platform.addDevice('pump-1', {})
  assert.equal(await groups.groupOf('pump-1'), 'default')
  const ref = { deviceId: 'pump-1', moduleId: MODULE }
  await platform.createModule(ref, { tags: { securityGroup: 'Inner' } })
  assert.equal(await groups.groupOf('pump-1'), 'inner')
  platform.removeModule(ref)
  assert.equal(await groups.groupOf('pump-1'), 'default')
  platform.removeDevice('pump-1')
  platform.addDevice('pump-1', { SecurityGroup: 'west' })
  assert.equal(await groups.groupOf('pump-1'), 'west')
})

test('tags of postures, which are written all the time, cost no reading', async () => {
  const { platform, groups, calls } = await open()
  platform.addDevice('pump-1')
  const ref = { deviceId: 'pump-1', moduleId: MODULE }
  await platform.createModule(ref, {})
  await groups.groupOf('pump-1')
  const before = calls.length
  await platform.patchTwin(ref, { tags: { alerts: { a: 1 } } })
  await groups.groupOf('pump-1')
  assert.equal(calls.length, before)
  await platform.patchTwin(ref, { tags: { securityGroup: 'x' } })
  assert.equal(await groups.groupOf('pump-1'), 'x')
})

test('what no notice told is seen after a while', async () => {
  let tags: JsonObject | undefined
  const { clock, platform, groups, calls } = await open({
    intercept: () => {
      if (tags) Object.assign(platform, { deviceTags: async () => tags })
    },
  })
  platform.addDevice('pump-1', { SecurityGroup: 'a' })
  assert.equal(await groups.groupOf('pump-1'), 'a')
  tags = { SecurityGroup: 'b' }
  assert.equal(await groups.groupOf('pump-1'), 'a')
  await clock.advance(MAX_GROUP_AGE_MS)
  assert.equal(await groups.groupOf('pump-1'), 'b')
  assert.equal(calls.length, 2)
})

test('a platform that fails: what was known last holds, what was never known is refused', async () => {
  let isFailing = false
  const { clock, platform, groups } = await open({
    intercept: () => {
      if (isFailing) throw new Error('no answer')
    },
  })
  platform.addDevice('pump-1', { SecurityGroup: 'a' })
  assert.equal(await groups.groupOf('pump-1'), 'a')
  await clock.advance(MAX_GROUP_AGE_MS)
  isFailing = true
  assert.equal(await groups.groupOf('pump-1'), 'a')
  await assert.rejects(groups.groupOf('pump-2'), /no answer/)
  isFailing = false
  assert.equal(await groups.groupOf('pump-2'), 'default')
})

test('a platform that fails is not asked again for every message', async () => {
  let isFailing = false
  const { clock, platform, groups, calls } = await open({
    intercept: () => {
      if (isFailing) throw new Error('no answer')
    },
  })
  platform.addDevice('pump-1', { SecurityGroup: 'a' })
  await groups.groupOf('pump-1')
  await clock.advance(MAX_GROUP_AGE_MS)
  isFailing = true
  for (let message = 0; message < 5; message++) {
    assert.equal(await groups.groupOf('pump-1'), 'a')
  }
  assert.equal(calls.length, 2)
  isFailing = false
  await clock.advance(GROUP_RETRY_MS)
  await groups.groupOf('pump-1')
  assert.equal(calls.length, 3)
})

test('a tag that changes while twins are read is not overlooked', async () => {
  let onRead: (() => void) | undefined
  const { platform, groups } = await open({
    intercept: async (call) => {
      if (call !== 'listModules' || !onRead) return
      const run = onRead
      onRead = undefined
      run()
    },
  })
  platform.addDevice('pump-1')
  // The device's tags were read already, and hold no group yet.
  onRead = () => platform.addDevice('pump-1', { SecurityGroup: 'new' })
  assert.equal(await groups.groupOf('pump-1'), 'default')
  assert.equal(await groups.groupOf('pump-1'), 'new')
})

test('rules on time windows: the enabled ones of a group', async () => {
  const { groups } = await open()
  const rule = { ruleType: 'MqttD2CMessagesNotInAllowedRange', isEnabled: true, maxThreshold: 5 }
  await groups.put('west', readGroup({ timeWindowRules: [rule] }).draft, by)
  assert.deepEqual(
    groups.timeWindowRulesOf('west').map(({ ruleType, maxThreshold }) => [ruleType, maxThreshold]),
    [[rule.ruleType, 5]],
  )
  assert.deepEqual(groups.timeWindowRulesOf('east'), [])
})

test('members: every device of a group once, page by page, with the tag that says so', async () => {
  const { platform, groups } = await open()
  for (let at = 0; at < 25; at++) {
    const tags = at % 5 === 0 ? { SecurityGroup: at === 0 ? 'WEST' : 'west' } : {}
    platform.addDevice(`pump-${String(at).padStart(2, '0')}`, tags)
  }
  const found: string[] = []
  let continuationToken: string | undefined
  do {
    const token = continuationToken === undefined ? {} : { continuationToken }
    const page = await groups.members.list('west', { limit: 2, ...token })
    found.push(...page.items.map(({ deviceId, from, tag }) => `${deviceId} ${from} ${tag}`))
    continuationToken = page.continuationToken ?? undefined
  } while (continuationToken !== undefined)
  const expected = ['00', '05', '10', '15', '20'].map((at) => `pump-${at} device SecurityGroup`)
  assert.deepEqual(found, expected)
  const page = { limit: 2, continuationToken: 'nonsense' }
  await assert.rejects(groups.members.list('west', page), { code: 'ArgumentInvalid' })
})
