import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { monitorFeedback } from '../src/commands/monitor-feedback.ts'
import { createOutput } from '../src/output.ts'
import { fakeContext, fakeInput } from './fake.ts'
import { startProgram } from './program.ts'

const BIN = fileURLToPath(new URL('../bin/twinward.js', import.meta.url))
const PATH = '/messages/serviceBound/feedback'

function record(originalMessageId: string, more: object = {}) {
  return {
    ...{ originalMessageId, enqueuedTimeUtc: '2026-01-31T12:00:00.000Z', statusCode: 'Success' },
    ...{ description: 'Success', deviceId: 'pump-1', deviceGenerationId: '1', ...more },
  }
}

/** An API that has these batches, then none. */
function fake(batches: readonly object[][], options = {}) {
  const left = [...batches]
  return fakeContext(({ method }) => {
    return method === 'GET' ? { value: left.shift() ?? null, etag: 'lock' } : null
  }, options)
}

test('monitor feedback: prints batch after batch and takes each once it is printed', async () => {
  const { context, calls, stdout } = fake([
    [record('m-1'), record('m-2', { statusCode: 'Expired', moduleId: 'app' })],
    [record('m\u001b[2J')],
  ])
  await monitorFeedback.run(fakeInput([], { count: 3 }), context)
  assert.equal(
    stdout(),
    '2026-01-31 12:00:00Z  Success                pump-1  m-1\n' +
      '2026-01-31 12:00:00Z  Expired                pump-1/app  m-2\n' +
      '2026-01-31 12:00:00Z  Success                pump-1  m\\u001b[2J\n',
  )
  const asked = calls.map(({ method, path }) => `${method} ${path}`)
  const once = [`GET ${PATH}`, `DELETE ${PATH}/lock`]
  assert.deepEqual(asked, [...once, ...once])
})

test('monitor feedback --json: one object a line; a batch is printed whole', async () => {
  const batch = [record('m-1'), record('m-2')]
  const { context, stdout, stderr } = fake([batch], { isJson: true })
  await monitorFeedback.run(fakeInput([], { count: 1 }), context)
  const lines = stdout().trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line)),
    batch,
  )
  assert.equal(stderr(), '')
})

test('monitor feedback: what could not be printed is given back, not taken', async () => {
  const { context, calls } = fake([[record('m-1'), record('m-2')]])
  let count = 0
  const stdout = {
    write: (_text: string, done?: (error?: Error | null) => void) => {
      count++
      done?.(count === 2 ? new Error('the disk is full') : null)
    },
  }
  const streams = { stdout, stderr: { write() {} } }
  const out = createOutput(streams, { isJson: true, useColour: false })
  await assert.rejects(monitorFeedback.run(fakeInput([]), { ...context, out }), /disk is full/)
  assert.deepEqual(
    calls.map(({ method, path }) => `${method} ${path}`),
    [`GET ${PATH}`, `POST ${PATH}/lock/abandon`],
  )
})

test('monitor feedback: prints what happens on a server until SIGINT, then exits with 0', async () => {
  await using server = await startProgram()
  await server.json('device', 'create', 'pump-1')
  const words = ['monitor', 'feedback', '--json', '--data-dir', server.dataDir]
  const child = spawn(process.execPath, [BIN, ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines = createInterface({ input: child.stdout })
  const line = once(lines, 'line', { signal: AbortSignal.timeout(20_000) })
  const send = ['c2d', 'send', 'pump-1', '--data', 'x', '--ack', 'full', '--message-id', 'm-1']
  await server.json(...send)
  await server.run(['c2d', 'purge', 'pump-1'])
  const [text] = (await line) as [string]
  const { originalMessageId, statusCode, deviceId } = JSON.parse(text)
  assert.deepEqual([originalMessageId, statusCode, deviceId], ['m-1', 'Purged', 'pump-1'])
  child.kill('SIGINT')
  assert.deepEqual(await once(child, 'close'), [0, null])
})
