import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionRecord, emptyMemory, portsRecord, processRecord } from '../../test/records.ts'
import { CATALOGUE } from './catalogue.ts'
import type { Command } from './command/command.ts'
import { evaluateRecords } from './evaluate.ts'
import type { Rule } from './rule.ts'
import { builtInRules } from './rules/index.ts'

const [first] = builtInRules()

function ruleThat(evaluate: Rule['evaluate']): Rule {
  assert.ok(first)
  return { type: first.type, kinds: ['proc', 'conn'], evaluate }
}

test('evaluateRecords: a command line is analysed once for all that share it', () => {
  const seen: (Command | undefined)[] = []
  const rule = ruleThat(({ command }) => void seen.push(command))
  const records = [processRecord({ cmd: 'a' }), connectionRecord({ cmd: 'a' })]
  evaluateRecords(records, [rule, rule], emptyMemory())
  assert.equal(seen.length, 4)
  assert.ok(seen[0])
  assert.equal(new Set(seen).size, 1)
})

test('evaluateRecords: an aggregated record is one finding, with the record as it came', () => {
  const record = processRecord({ cmd: 'iptables -F', hits: 50 })
  const findings = evaluateRecords([record], builtInRules(), emptyMemory())
  assert.equal(findings.length, 1)
  assert.equal(findings[0]?.record, record)
})

test('evaluateRecords: one line may match several rules; records know their place in the event', () => {
  const cmd = 'iptables -F; history -c'
  const records = ['e1', 'e2', 'e1'].map((eventId) => processRecord({ cmd }, { eventId }))
  const findings = evaluateRecords(records, builtInRules(), emptyMemory())
  const found = findings.map(({ rule, element }) => `${rule.type.number}/${element}`)
  assert.deepEqual(found, ['2/0', '42/0', '2/0', '42/0', '2/1', '42/1'])
})

test('evaluateRecords: forks, ends and other records are no commands', () => {
  const records = [
    processRecord({ type: 'fork', cmd: 'iptables -F' }),
    processRecord({ type: 'exit', cmd: 'iptables -F', exe: '/tmp/xmrig' }),
    portsRecord([]),
  ]
  assert.deepEqual(evaluateRecords(records, builtInRules(), emptyMemory()), [])
})

test('evaluateRecords: a rule that throws is told of and stops no other', () => {
  const broken = ruleThat(() => {
    throw new Error('bug')
  })
  const records = [processRecord({ cmd: 'ufw disable' })]
  const rules = [broken, ...builtInRules()]
  const failures: unknown[] = []
  const findings = evaluateRecords(records, rules, emptyMemory(), {
    failed: (rule, record, error) => void failures.push([rule, record, String(error)]),
  })
  assert.equal(findings.length, 1)
  assert.deepEqual(failures, [[broken, records[0], 'Error: bug']])
  assert.throws(() => evaluateRecords(records, rules, emptyMemory()), /bug/)
})

test('rules: a match of a command carries the published properties', () => {
  const ref = { deviceId: 'pump-7' }
  const fields = {
    cmd: 'iptables -F',
    user: 'root',
    uid: '0',
    ppid: 12,
    pid: 34,
    exe: '/sbin/iptables',
  }
  const [finding] = evaluateRecords([processRecord(fields, { ref })], builtInRules(), emptyMemory())
  assert.deepEqual(finding?.match.extendedProperties, {
    CommandLine: 'iptables -F',
    'User Name': 'root',
    UserId: '0',
    ParentProcessId: '12',
    DeviceId: 'pump-7',
  })
  assert.deepEqual(finding?.match.entities, [
    { type: 'host', hostName: 'pump-7' },
    {
      type: 'process',
      processId: '34',
      parentProcessId: '12',
      imageFile: '/sbin/iptables',
      commandLine: 'iptables -F',
    },
    { type: 'account', name: 'root', userId: '0' },
  ])
  assert.match(finding?.match.summary ?? '', /iptables drops rules: iptables -F/)
})

test('rules: types are unique and have everything that a person is shown', () => {
  const types = builtInRules().map(({ type }) => type)
  assert.equal(new Set(types.map(({ alertType }) => alertType)).size, types.length)
  assert.equal(new Set(types.map(({ number }) => number)).size, types.length)
  for (const { alertType, remediationSteps, description, displayName, techniques } of types) {
    assert.ok(remediationSteps.length >= 3, alertType)
    assert.ok(description.length > 80 && displayName.length > 0, alertType)
    assert.ok(techniques.length > 0, alertType)
    for (const technique of techniques) assert.match(technique, /^T\d{4}(\.\d{3})?$/)
  }
})

test('rules: name and severity are those of the published catalogue', () => {
  for (const { type } of builtInRules()) {
    const entry = CATALOGUE.find(({ number }) => number === type.number)
    assert.ok(entry, type.alertType)
    assert.equal(type.alertType, entry.alertType)
    assert.equal(type.severity, entry.severity, type.alertType)
  }
})

test('catalogue: every alert of it has a rule, or says why it has none', () => {
  const numbers = new Set(builtInRules().map(({ type }) => type.number))
  for (const { number, alertType, without } of CATALOGUE) {
    assert.equal(numbers.has(number), without === undefined, alertType)
  }
})

test('reverseShell: connections share a key by the address on the other side', () => {
  const to = (remotePort: string) =>
    connectionRecord({ remoteAddress: '203.0.113.5', remotePort, exe: '/bin/sh' })
  const findings = evaluateRecords([to('1'), to('2')], builtInRules(), emptyMemory())
  assert.deepEqual(
    findings.map(({ match }) => match.key),
    ['203.0.113.5', '203.0.113.5'],
  )
  assert.equal(findings[0]?.match.extendedProperties['Remote Port'], '1')
})
