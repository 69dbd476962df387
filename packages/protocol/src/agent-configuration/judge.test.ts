import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonValue } from '../json.ts'
import { judgeSettings } from './judge.ts'

function mistakesOf(settings: { readonly [name: string]: JsonValue }, era: 'legacy' | 'micro') {
  return judgeSettings(settings, era).mistakes.map(({ name }) => name)
}

test('judgeSettings: what agents would call a conflict is a warning, as they use the values', () => {
  const cache = { maxLocalCacheSizeInBytes: 8192, maxMessageSizeInBytes: 12_288 }
  const times = { highPriorityMessageFrequency: 'PT2H', lowPriorityMessageFrequency: 'PT1H' }
  for (const [settings, name] of [
    [cache, 'maxLocalCacheSizeInBytes'],
    [times, 'highPriorityMessageFrequency'],
  ] as const) {
    const judged = judgeSettings(settings, 'legacy')
    assert.deepEqual([judged.settings, judged.mistakes], [settings, []])
    assert.deepEqual(
      judged.warnings.map((warning) => warning.name),
      [name],
    )
  }
})

test('judgeSettings: what agents would call not optimal is a warning', () => {
  const judged = judgeSettings({ maxMessageSizeInBytes: 10_000 }, 'legacy')
  assert.deepEqual(judged.mistakes, [])
  assert.deepEqual(
    judged.warnings.map(({ name }) => name),
    ['maxMessageSizeInBytes'],
  )
})

test('judgeSettings: values outside their range, type or pattern are refused, each by name', () => {
  const settings = {
    highPriorityMessageFrequency: 'PT9S',
    lowPriorityMessageFrequency: 'P31D',
    snapshotFrequency: 'P1M',
    maxMessageSizeInBytes: 262_145,
    eventPriorityLogin: 'Medium',
    aggregationEnabledProcessCreate: 'true',
    baselineCustomChecksFileHash: 'A'.repeat(64),
  }
  assert.deepEqual(mistakesOf(settings, 'legacy'), Object.keys(settings))
})

test('judgeSettings: a path that a shell would take apart is refused', () => {
  const paths = ['/a;reboot', '/a b', '$(id)', '/a/../etc', '/..', 'relative', '/', '/a\n', '/ä']
  for (const path of paths) {
    const judged = mistakesOf({ baselineCustomChecksFilePath: path }, 'legacy')
    assert.deepEqual(judged, ['baselineCustomChecksFilePath'], path)
  }
  assert.deepEqual(mistakesOf({ baselineCustomChecksFilePath: '/opt/a..b/c.xml' }, 'legacy'), [])
})

test('judgeSettings: custom checks that lack their path and hash are warned about', () => {
  const names = ['baselineCustomChecksFilePath', 'baselineCustomChecksFileHash']
  const { warnings } = judgeSettings({ baselineCustomChecksEnabled: true }, 'legacy')
  assert.deepEqual(
    warnings.map(({ name }) => name),
    names,
  )
})

test('judgeSettings: an unknown legacy name is refused and told which was meant', () => {
  const [mistake] = judgeSettings({ snapshotFrequncy: 'PT1H' }, 'legacy').mistakes
  assert.match(mistake?.reason ?? '', /did you mean snapshotFrequency\?/)
})

test('judgeSettings: an unknown micro name is kept with a warning, if an agent could read it', () => {
  const judged = judgeSettings({ Firewall_Disabled: true, 'a.b': 1, Nested: {} }, 'micro')
  assert.deepEqual(judged.settings, { Firewall_Disabled: true })
  assert.deepEqual(
    judged.warnings.map(({ name }) => name),
    ['Firewall_Disabled'],
  )
  assert.deepEqual(
    judged.mistakes.map(({ name }) => name),
    ['a.b', 'Nested'],
  )
})

test('judgeSettings: micro intervals are three rising numbers; uneven ones get a warning', () => {
  const name = 'CollectorsCore_PriorityIntervals'
  for (const text of ['30,120', '30,120,abc', '120,30,1440', '0,1,2', '', '1,2,3,4']) {
    assert.deepEqual(mistakesOf({ [name]: text }, 'micro'), [name], text)
  }
  assert.deepEqual(judgeSettings({ [name]: ' 30, 60 ,120' }, 'micro'), {
    settings: { [name]: '30,60,120' },
    mistakes: [],
    warnings: [],
  })
  assert.equal(judgeSettings({ [name]: '30,70,120' }, 'micro').warnings.length, 1)
})

test('judgeSettings: durations are spelled so that the C and the .NET agent can read them', () => {
  const judged = judgeSettings(
    { snapshotFrequency: 'P2W', lowPriorityMessageFrequency: 'PT90.5S' },
    'legacy',
  )
  assert.deepEqual(judged.settings, {
    snapshotFrequency: 'P14D',
    lowPriorityMessageFrequency: 'PT1M31S',
  })
  assert.equal(judged.warnings.length, 2)
})

test('judgeSettings: choices and booleans of micro agents may be spelled loosely', () => {
  const judged = judgeSettings({ Login_MessageFrequency: 'high', Login_UsePAM: 'True' }, 'micro')
  assert.deepEqual(judged.settings, { Login_MessageFrequency: 'High', Login_UsePAM: true })
})
