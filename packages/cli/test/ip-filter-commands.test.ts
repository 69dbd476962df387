import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { IpFilterView } from '../src/ip-filter.ts'
import { startProgram, type TestServer } from './program.ts'

let server: TestServer
before(async () => {
  server = await startProgram()
})
after(() => server[Symbol.asyncDispose]())

const OTHERS = { name: 'others', action: 'reject' }

test('ip-filter: without rules, with some in their order, and without again', async () => {
  const empty = await server.run(['ip-filter', 'show'])
  assert.deepEqual([empty.code, empty.stdout], [0, ''])
  assert.match(empty.stderr, /No rules: every address may connect/)
  const masks = ['--accept', '10.0.0.0/8', '--accept', '2001:db8::/48', '--reject', '10.1.2.3']
  const { rules } = (await server.json(
    'ip-filter',
    'set',
    ...masks,
    '--reject-others',
  )) as IpFilterView
  assert.deepEqual(rules, [
    { name: '10.1.2.3', action: 'reject', mask: '10.1.2.3' },
    { name: '10.0.0.0/8', action: 'accept', mask: '10.0.0.0/8' },
    { name: '2001:db8::/48', action: 'accept', mask: '2001:db8::/48' },
    { ...OTHERS, mask: '0.0.0.0/0' },
    { ...OTHERS, mask: '::/0' },
  ])
  // This machine may always connect.
  const shown = await server.run(['ip-filter', 'show'])
  assert.match(shown.stdout, /1 +reject +10\.1\.2\.3 /)
  assert.match(shown.stdout, /5 +reject +::\/0 +others/)
  assert.match(shown.stderr, /\d+ connections were refused/)
  const audit = await server.run(['security', 'audit'])
  assert.match(audit.stdout, /IP filter|ip-filter|ipFilter/)
  const none = (await server.json('ip-filter', 'set', '--none')) as IpFilterView
  assert.deepEqual(none.rules, [])
})

test('ip-filter set: what is missing, contradictory or no address is said', async () => {
  assert.equal((await server.run(['ip-filter', 'set'])).code, 2)
  const both = await server.run(['ip-filter', 'set', '--none', '--accept', '10.0.0.1'])
  assert.deepEqual([both.code, both.stdout], [2, ''])
  const wrong = await server.run(['ip-filter', 'set', '--accept', '10.0.0.0/33'])
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /rules\[0\]\.mask must be an address or a network/)
})
