import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '../../test/clock.ts'
import { MemoryConsumerGroups } from '../adapters/memory/consumer-groups.ts'
import { MAX_CONSUMER_GROUPS } from './consumer-group-store.ts'
import { ConsumerGroups, streamOf } from './consumer-groups.ts'

function makeGroups() {
  const clock = new TestClock()
  return { clock, groups: new ConsumerGroups(new MemoryConsumerGroups(), clock) }
}

test('list: the groups that always exist come first', async () => {
  const { groups, clock } = makeGroups()
  await groups.put('plant')
  assert.deepEqual(await groups.list(), [
    { name: '$Default', createdMs: null },
    { name: '$security', createdMs: null },
    { name: 'plant', createdMs: clock.now() },
  ])
})

test('put: creates a group once, in whatever case it is asked for', async () => {
  const { groups, clock } = makeGroups()
  const first = await groups.put('Plant')
  clock.advance(1000)
  assert.deepEqual(await groups.put('pLANT'), first)
  assert.deepEqual(await groups.get('plant'), first)
  assert.deepEqual(await groups.put('$default'), { name: '$Default', createdMs: null })
})

test('put: a name that Event Hubs would refuse is refused', async () => {
  const { groups } = makeGroups()
  for (const name of ['', '-a', 'a-', 'a b', 'a/b', '$own', 'ä', 'x'.repeat(51)]) {
    await assert.rejects(groups.put(name), { code: 'ArgumentInvalid' }, name)
  }
  for (const name of ['a', 'a.b_c-9', 'x'.repeat(50)]) await groups.put(name)
})

test('put: one more than there may be is refused; one that is there is not', async () => {
  const { groups } = makeGroups()
  for (let n = 0; n < MAX_CONSUMER_GROUPS; n++) await groups.put(`group-${n}`)
  await assert.rejects(groups.put('one-more'), { code: 'IotHubQuotaExceeded' })
  assert.equal((await groups.put('GROUP-3')).name, 'group-3')
})

test('remove: takes a group away, but none that always exists', async () => {
  const { groups } = makeGroups()
  await groups.put('plant')
  await groups.remove('PLANT')
  await assert.rejects(groups.get('plant'), { code: 'GenericNotFound' })
  await assert.rejects(groups.remove('plant'), { code: 'GenericNotFound' })
  for (const name of ['$Default', '$default', '$Security']) {
    await assert.rejects(groups.remove(name), { code: 'InvalidOperation' })
    assert.ok(await groups.find(name))
  }
})

test('streamOf: security messages are in their own group and nowhere else', () => {
  assert.equal(streamOf('$Security'), 'security')
  for (const name of ['$Default', 'security', 'plant']) assert.equal(streamOf(name), 'telemetry')
})
