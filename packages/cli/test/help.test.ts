import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commands } from '../src/commands/index.ts'
import { runHere } from './fake.ts'

for (const { name, summary } of commands) {
  test(`${name} --help: has summary, usage, options and examples of this very command`, async () => {
    const { code, stdout, stderr } = await runHere([...name.split(' '), '--help'])
    assert.equal(code, 0)
    assert.equal(stderr, '')
    assert.match(stdout, new RegExp(`^Usage: twinward ${name} `))
    // The help is wrapped to the terminal's width.
    assert.ok(stdout.replace(/\s+/g, ' ').includes(summary))
    assert.match(stdout, /--json /)
    const examples = stdout.slice(stdout.indexOf('Examples:'))
    assert.match(examples, new RegExp(`^ {2}twinward ${name}`, 'm'))
  })
}

test('--help: names every command or its group', async () => {
  const { code, stdout } = await runHere(['--help'])
  assert.equal(code, 0)
  for (const { name } of commands) {
    assert.match(stdout, new RegExp(`^ {2}${name.split(' ')[0]} `, 'm'))
  }
})

test('help: a group lists its commands with their summaries', async () => {
  const { stdout } = await runHere(['security', '--help'])
  const own = commands.filter(({ name }) => name.startsWith('security '))
  for (const { name } of own) assert.match(stdout, new RegExp(`^ {2}${name.split(' ')[1]}`, 'm'))
})

test('help: every group says what it is about', async () => {
  const names = new Set(commands.map(({ name }) => name))
  const groups = commands.flatMap(({ name }) => {
    const words = name.split(' ')
    return words.slice(1).map((_, at) => words.slice(0, at + 1).join(' '))
  })
  for (const group of new Set(groups)) {
    if (names.has(group)) continue
    const words = group.split(' ')
    const { stdout } = await runHere([...words.slice(0, -1), '--help'])
    assert.match(stdout, new RegExp(`^ {2}${words.at(-1)} +[A-Z]`, 'm'), group)
  }
})

test('help device create: is the same as device create --help', async () => {
  const asked = await runHere(['help', 'device', 'create'])
  assert.deepEqual(asked, await runHere(['device', 'create', '--help']))
})

test('help: defaults are named where there are any', async () => {
  const { stdout } = await runHere(['up', '--help'])
  for (const text of ['./data', 'localhost', '127.0.0.1', '8883', '5671', '443']) {
    assert.match(stdout.replace(/\s+/g, ' '), new RegExp(`default: ${text}`))
  }
})

test('--version: prints a version and nothing else', async () => {
  const { code, stdout } = await runHere(['--version'])
  assert.equal(code, 0)
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/)
})
