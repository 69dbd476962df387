import assert from 'node:assert/strict'
import { test } from 'node:test'
import { detectionWorld } from '../../../test/detection-world.ts'
import { FakeClock } from '../../../test/fake-clock.ts'
import { processRecord } from '../../../test/records.ts'
import { sigmaText } from '../../../test/sigma-vectors.ts'
import { MemorySigmaStore } from '../../adapters/memory/sigma-store.ts'
import { Serial } from '../../serial.ts'
import { MAX_AUTOMATA, MAX_RULES } from './limits.ts'
import { SigmaRules } from './sigma-rules.ts'

async function open(store = new MemorySigmaStore()) {
  const clock = new FakeClock()
  const sigma = new SigmaRules({ sigma: store, clock }, new Serial())
  await sigma.start()
  const finds = (cmd: string) =>
    sigma.ruleSet.evaluate({ record: processRecord({ cmd }), command: { line: cmd } as never })
  return { clock, store, sigma, finds }
}

function rule(id: string, word: string, more = ''): string {
  return `title: Word ${word}
id: ${id}
${more}logsource: {category: process_creation, product: linux}
detection:
  selection: {CommandLine|contains: '${word}'}
  condition: selection
`
}

test('import: what was imported is judged at once, again changes nothing, newer text replaces it', async () => {
  const { store, sigma, finds } = await open()
  assert.equal(finds('an apple').length, 0)
  const [added] = await sigma.import(rule('r-1', 'apple'), 'fruit', 'ann')
  assert.equal(added?.result, 'added')
  assert.equal(finds('an apple').length, 1)
  const before = await store.all()
  const [same] = await sigma.import(rule('r-1', 'apple'), 'fruit', 'bob')
  assert.equal(same?.result, 'unchanged')
  assert.deepEqual(await store.all(), before)
  const [newer] = await sigma.import(rule('R-1', 'pear'), 'fruit', 'bob')
  assert.equal(newer?.result, 'replaced')
  assert.deepEqual([finds('an apple').length, finds('a pear').length], [0, 1])
  assert.equal(sigma.find('r-1').stored.changedBy, 'bob')
})

test('import: what is no rule is named and the others are kept; a second of one id is named too', async () => {
  const { sigma } = await open()
  const parts = [rule('a', 'x1'), 'just: a map', rule('a', 'x2'), '- a list', rule('b', 'x3')]
  const result = await sigma.import(parts.join('\n---\n'), '', 'ann')
  assert.deepEqual(
    result.map(({ document, result: word, problem = '' }) => `${document} ${word} ${problem}`),
    [
      '1 added ',
      '2 invalid It has no title.',
      '3 invalid The id a was given before.',
      '4 invalid It is not a map.',
      '5 added ',
    ],
  )
  assert.equal(sigma.list().length, 2)
})

test('check tells what an import would do and keeps nothing', async () => {
  const { store, sigma } = await open()
  const result = await sigma.check(sigmaText('refused.yml'))
  assert.ok(result.every(({ result: word }) => word === 'added'))
  assert.deepEqual(await store.all(), [])
})

test('a rule that is switched off finds nothing, stays off when it is replaced, and after a start', async () => {
  const { store, sigma, finds } = await open()
  await sigma.import(rule('r-1', 'apple'), '', 'ann')
  await sigma.setEnabled('r-1', false, 'bob')
  assert.equal(finds('apple').length, 0)
  await sigma.import(rule('r-1', 'pear'), '', 'ann')
  assert.equal(finds('pear').length, 0)
  const again = await open(store)
  assert.equal(again.finds('pear').length, 0)
  await again.sigma.setEnabled('r-1', true, 'bob')
  assert.equal(again.finds('pear').length, 1)
  await assert.rejects(sigma.setEnabled('none', true, 'bob'), { code: 'GenericNotFound' })
})

test('a rule that its author has given up is off at first', async () => {
  const { sigma, finds } = await open()
  await sigma.import(rule('r-1', 'apple', 'status: deprecated\n'), '', 'ann')
  assert.equal(sigma.find('r-1').stored.isEnabled, false)
  assert.equal(finds('apple').length, 0)
})

test('rules are removed one by one and by their source', async () => {
  const { store, sigma, finds } = await open()
  await sigma.import(rule('a', 'apple'), 'fruit', 'ann')
  await sigma.import([rule('b', 'pear'), rule('c', 'plum')].join('---\n'), 'more', 'ann')
  await sigma.remove('a')
  assert.equal(await sigma.removeSource('more'), 2)
  assert.equal(await sigma.removeSource('more'), 0)
  assert.deepEqual(await store.all(), [])
  assert.equal(finds('apple pear').length, 0)
})

test('limits: more rules or automata than may be kept refuse the whole import', async () => {
  const { store, sigma } = await open()
  const many = Array.from({ length: MAX_RULES }, (_, at) => rule(`r-${at}`, 'x')).join('---\n')
  await sigma.import(many, '', 'ann')
  const over = { code: 'IotHubQuotaExceeded' }
  await assert.rejects(sigma.import(rule('one-more', 'x'), '', 'ann'), over)
  assert.equal((await store.all()).length, MAX_RULES)
  const other = await open()
  const automata = Array.from({ length: MAX_AUTOMATA + 1 }, (_, at) => rule(`r-${at}`, `a*${at}`))
  await assert.rejects(other.sigma.import(automata.join('---\n'), '', 'ann'), over)
  assert.equal(other.sigma.list().length, 0)
})

test('Sigma rules raise alerts beside the built-in ones, and have the same switches', async () => {
  const world = await detectionWorld()
  const { detection } = world
  await detection.sigma.import(rule('r-1', 'qwertz', 'level: high\n'), '', 'ann')
  assert.equal(detection.sigma.typeOf('Sigma_r_1')?.displayName, 'Word qwertz')
  const types = async () =>
    (await world.alerts()).map(({ alertType, severity }) => `${alertType} ${severity}`)
  const start = (CommandLine: string) =>
    world.sendEvents('ProcessCreate', [
      {
        Executable: '/x',
        CommandLine,
        ProcessId: 5,
        ParentProcessId: 1,
        UserId: '0',
        UserName: '',
      },
    ])
  await start('qwertz 1')
  assert.equal(detection.sigma.find('r-1').hits.count, 1)
  assert.deepEqual(await types(), ['Sigma_r_1 High'])
  await detection.settings.set('Sigma_r_1', { severity: 'Low' })
  await start('qwertz 2')
  await detection.settings.set('Sigma_r_1', { isEnabled: false }, 'west')
  await detection.settings.set('Sigma_r_1', { isEnabled: false })
  await start('qwertz 3')
  assert.deepEqual((await types()).sort(), ['Sigma_r_1 High', 'Sigma_r_1 Low'])
  await detection.sigma.remove('r-1')
  await detection.settings.set('Sigma_r_1', {})
  await assert.rejects(detection.settings.set('Sigma_r_1', {}), { code: 'GenericNotFound' })
})
