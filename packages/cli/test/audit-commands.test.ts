import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Page } from '../src/pages.ts'
import { startProgram, type TestServer } from './program.ts'

let server: TestServer
before(async () => {
  server = await startProgram()
})
after(() => server[Symbol.asyncDispose]())

interface Entry {
  readonly kind: string
  readonly subject?: string
  readonly principal?: string
}

test('security audit: says what happened to the hub, newest first, of one kind', async () => {
  const empty = await server.run(['security', 'audit'])
  assert.deepEqual([empty.code, empty.stdout], [0, ''])
  assert.match(empty.stderr, /Nothing stands in the audit log/)
  await server.json('consumer-group', 'create', 'siem')
  await server.json('device', 'create', 'pump-1')
  await server.json('module', 'create', 'pump-1', 'camera')
  const all = (await server.json('security', 'audit')) as Page<Entry>
  assert.deepEqual(
    all.items.map(({ kind }) => kind),
    ['module.create', 'export.change'],
  )
  const some = await server.run(['security', 'audit', '--kind', 'export.change'])
  assert.match(some.stdout, /export\.change.*success.*consumer group siem.*iothubowner/)
  assert.doesNotMatch(some.stdout, /module\.create/)
  const first = (await server.json('security', 'audit', '--limit', '1')) as Page<Entry>
  assert.equal(first.items.length, 1)
  assert.notEqual(first.continuationToken, null)
  const wrong = await server.run(['security', 'audit', '--kind', 'nonsense'])
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /kind/)
})

test('security alerts: an alert about the hub shows no device but the hub', async () => {
  const deadlineMs = Date.now() + 10_000
  for (;;) {
    const { stdout } = await server.run(['security', 'alerts'])
    if (/\(the hub\)/.test(stdout)) break
    assert.ok(Date.now() < deadlineMs, stdout)
  }
})
