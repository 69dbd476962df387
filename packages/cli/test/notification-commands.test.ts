import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { ChannelView, RouteView } from '../src/notification.ts'
import type { Page } from '../src/pages.ts'
import { readServerEvents, type ServerEvent } from '../src/server-events.ts'
import { startProgram, type TestServer } from './program.ts'

let server: TestServer
before(async () => {
  server = await startProgram()
  await server.json('device', 'create', 'pump-1')
})
after(() => server[Symbol.asyncDispose]())

const NOTIFY = ['security', 'notify'] as const

test('channels and routes are added, shown without secrets, changed and removed', async () => {
  const empty = await server.run([...NOTIFY, 'channel', 'list'])
  assert.match(empty.stderr, /No channels: nobody is told/)
  const key = join(server.dataDir, 'hook.key')
  writeFileSync(key, 'top-secret\n', { mode: 0o600 })
  const url = 'url=http://127.0.0.1:9/hook'
  const add = ['channel', 'add', 'soar', '--set', url, '--secret-file', `secret=${key}`]
  const added = await server.run([...NOTIFY, ...add])
  assert.equal(added.code, 0, added.stderr)
  assert.match(added.stderr, /security notify route add soar --channel soar/)
  const shown = await server.run([...NOTIFY, 'channel', 'show', 'soar'])
  assert.match(shown.stdout, /secret +\*{8}/)
  assert.doesNotMatch(shown.stdout, /top-secret/)
  const update = ['channel', 'update', 'soar', '--unset', 'secret', '--description', 'a test']
  assert.equal((await server.run([...NOTIFY, ...update])).code, 0)
  const channel = await server.json<ChannelView>(...NOTIFY, 'channel', 'show', 'soar')
  assert.deepEqual(channel.settings, { url: 'http://127.0.0.1:9/hook' })
  const route = ['route', 'add', 'urgent', '--channel', 'soar', '--minimum-severity', 'High']
  assert.equal((await server.run([...NOTIFY, ...route, '--kind', 'alert-opened'])).code, 0)
  const { items } = await server.json<Page<RouteView>>(...NOTIFY, 'route', 'list')
  assert.deepEqual(items[0]?.kinds, ['alert-opened'])
  const wrong = await server.run([...NOTIFY, 'channel', 'add', 'x', '--set', 'url=file:///etc'])
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /https:\/\/ or http:\/\//)
})

test('a test, the status and a drill say what is wrong', async () => {
  const tested = await server.run([...NOTIFY, 'channel', 'test', 'soar'])
  assert.equal(tested.code, 1)
  assert.match(tested.stderr, /did not arrive at soar: .*ECONNREFUSED/)
  const drill = await server.run(['security', 'drill', '--device', 'pump-1'])
  assert.equal(drill.code, 1)
  assert.match(drill.stdout, /✓ rule +rule IoT_CryptoMiner found it/)
  assert.match(drill.stdout, /✗ notification +soar: .*ECONNREFUSED/)
  assert.match(drill.stdout, /✓ cleanup/)
  assert.match(drill.stderr, /broke at: notification/)
  const status = await server.run([...NOTIFY, 'status'])
  assert.match(status.stdout, /soar +webhook +0 +0 +0 +0 +never +\d.*ECONNREFUSED/)
  const dead = await server.run([...NOTIFY, 'dead-letters'])
  assert.match(dead.stderr, /No notification was given up/)
})

test('watch prints changes from a place on, and ends after as many as asked', async () => {
  const watched = await server.run(['security', 'watch', '--after', '0', '--count', '2', '--json'])
  assert.equal(watched.code, 0, watched.stderr)
  const events = watched.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(events.length, 2)
  assert.ok(events.every(({ id }, at) => id === String(at + 1)))
  const text = await server.run(['security', 'watch', '--after', '0', '--count', '1'])
  assert.match(text.stdout, /^\d{4}-\d\d-\d\d .* pump-1 /)
})

test('channels and routes are removed, a route first', async () => {
  assert.equal((await server.run([...NOTIFY, 'channel', 'delete', 'soar'])).code, 1)
  assert.equal((await server.run([...NOTIFY, 'route', 'update', 'urgent', '--disable'])).code, 0)
  assert.equal((await server.run([...NOTIFY, 'route', 'delete', 'urgent'])).code, 0)
  assert.equal((await server.run([...NOTIFY, 'channel', 'delete', 'soar'])).code, 0)
})

test('server-sent events: however the stream is cut', async () => {
  const text =
    ': hello\nretry: 5\n\nid: 1\nevent: a\ndata: {"ü":1}\n\n: alive\n\nid: 2\ndata: x\n\n'
  const bytes = Buffer.from(text)
  const expected = [
    { id: '1', name: 'a', data: '{"ü":1}' },
    { id: '2', name: 'message', data: 'x' },
  ]
  for (let size = 1; size <= bytes.length; size += 3) {
    const chunks: Buffer[] = []
    for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size))
    const events: ServerEvent[] = []
    const stream = (async function* () {
      yield* chunks
    })()
    for await (const event of readServerEvents(stream)) events.push(event)
    assert.deepEqual(events, expected)
  }
})
