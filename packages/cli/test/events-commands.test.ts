import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Answer, startProgram, type TestServer } from './program.ts'

const BIN = fileURLToPath(new URL('../bin/twinward.js', import.meta.url))
const DEADLINE_MS = 60_000

let server: TestServer
before(async () => {
  server = await startProgram()
  for (const id of ['pump-1', 'pump-2']) await server.json('device', 'create', id)
  await sendFrom('pump-1', '{"t":21}')
  await sendFrom('pump-2', '{"t":22}')
  await sendFrom('pump-1', '{"t":23}')
})
after(() => server[Symbol.asyncDispose]())

async function sendFrom(device: string, data: string): Promise<void> {
  const type = ['--content-type', 'application/json', '--property', 'colour=red']
  await server.json('send', device, '--data', data, ...type)
}

/** The objects that a command with `--json` prints, one a line. */
async function lines(...words: readonly string[]): Promise<readonly Answer[]> {
  const { code, stdout, stderr } = await server.run([...words, '--json'])
  assert.equal(code, 0, stderr)
  const texts = stdout.split('\n').filter((line) => line !== '')
  return texts.map((line) => JSON.parse(line) as Answer)
}

test('monitor events --json: one object a line, with what the hub knows of the event', async () => {
  const [first, second, ...others] = await lines(
    ...['monitor', 'events', '--device', 'pump-1', '--from', 'earliest', '--count', '2'],
  )
  assert.deepEqual([first?.body, second?.body, others.length], [{ t: 21 }, { t: 23 }, 0])
  const { enqueuedTimeUtc, sequenceNumber, offset, partition, ...rest } = first ?? {}
  assert.ok(Math.abs(Date.parse(String(enqueuedTimeUtc)) - Date.now()) < 300_000)
  assert.equal(offset, String(sequenceNumber))
  assert.match(String(partition), /^[0-3]$/)
  assert.deepEqual(rest, {
    ...{ deviceId: 'pump-1', source: 'Telemetry', contentType: 'application/json' },
    ...{ properties: { colour: 'red' }, body: { t: 21 } },
  })
})

test('monitor events: a line for people, of one partition, from a time', async () => {
  const [{ partition, enqueuedTimeUtc } = {}] = await lines(
    ...['monitor', 'events', '--device', 'pump-2', '--from', 'earliest', '--count', '1'],
  )
  const words = ['--partition', String(partition), '--from', String(enqueuedTimeUtc)]
  const { code, stdout } = await server.run([
    ...['monitor', 'events', '--device', 'pump-2', '--count', '1', ...words],
  ])
  assert.equal(code, 0)
  assert.match(stdout, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}pump-2 {2}\{"t":22\} {2}colour=red\n$/)
})

test('monitor events: prints what comes, and Ctrl-C ends it as something that went well', async () => {
  const words = ['monitor', 'events', '--json', '--data-dir', server.dataDir]
  const child = spawn(process.execPath, [BIN, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: AbortSignal.timeout(DEADLINE_MS),
  })
  const printed = once(createInterface({ input: child.stdout }), 'line')
  const closed = once(child, 'close')
  for (let readers = 0; readers < 4; ) {
    const info = await fetchInfo()
    readers = Number(info.readerCount)
  }
  await sendFrom('pump-2', '{"t":99}')
  const [line] = await printed
  assert.deepEqual(JSON.parse(line).body, { t: 99 })
  child.kill('SIGINT')
  assert.deepEqual(await closed, [0, null])
})

/** What `/api/events` says, asked as the command asks. */
async function fetchInfo(): Promise<Answer> {
  const { ApiClient } = await import('../src/api-client.ts')
  const { resolveTarget } = await import('../src/target.ts')
  return new ApiClient(resolveTarget({ dataDir: server.dataDir }, {})).get('/api/events')
}

test('monitor events: what cannot be read is said in one line', async () => {
  for (const [words, reason] of [
    [['--consumer-group', 'nobodys'], /no consumer group nobodys/],
    [['--partition', '9'], /partitions are 0, 1, 2, 3/],
    [['--from', 'yesterday'], /expected earliest, latest or a time/],
    [['--amqp-port', '1'], /:1|No server/],
  ] as const) {
    const { code, stdout, stderr } = await server.run(['monitor', 'events', '--json', ...words])
    assert.ok(code === 1 || code === 2)
    assert.equal(stdout, '')
    assert.match(stderr, reason)
  }
})

test('consumer-group: create, list, read as it, delete', async () => {
  const created = await server.json('consumer-group', 'create', 'analytics')
  assert.equal(created.name, 'analytics')
  const listed = await server.json<readonly Answer[]>('consumer-group', 'list')
  assert.deepEqual(
    listed.map(({ name }) => name),
    ['$Default', '$security', 'analytics'],
  )
  const group = ['--consumer-group', 'Analytics', '--from', 'earliest', '--count', '1']
  assert.equal((await lines('monitor', 'events', ...group)).length, 1)
  const deleted = await server.json('consumer-group', 'delete', 'ANALYTICS')
  assert.deepEqual(deleted, { name: 'ANALYTICS', deleted: true })
  const again = await server.run(['consumer-group', 'delete', 'analytics'])
  assert.equal(again.code, 1)
  assert.match(again.stderr, /no consumer group analytics/)
})

test('connection-string --events: of the policy that may only read, with the AMQP port', async () => {
  const { connectionString } = await server.json('connection-string', '--events')
  const { hostName, amqpPort } = server.ready
  assert.match(
    String(connectionString),
    new RegExp(
      `^Endpoint=sb://${hostName}:${amqpPort}/;SharedAccessKeyName=service;` +
        'SharedAccessKey=[^;]+;EntityPath=messages/events$',
    ),
  )
  const owner = await server.json('connection-string', '--events', '--policy', 'iothubowner')
  assert.match(String(owner.connectionString), /SharedAccessKeyName=iothubowner;/)
  const both = await server.run(['connection-string', '--events', '--device', 'pump-1'])
  assert.equal(both.code, 2)
})
