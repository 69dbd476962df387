import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type FeedMessage, Inbox } from './inbox.ts'

const folder = await mkdtemp(join(tmpdir(), 'inbox-'))
after(() => rm(folder, { recursive: true }))

function message(text: string): FeedMessage {
  return {
    ref: { deviceId: 'pump-1', moduleId: 'azureiotsecurity' },
    system: { interfaceId: 'urn:azureiot:Security:SecurityAgent:1' },
    application: JSON.parse('{"__proto__":"p","mti":"2.3-1-0-0"}'),
    body: new TextEncoder().encode(text),
    enqueuedTimeMs: 1_717_243_200_000,
  }
}

async function open(name: string): Promise<Inbox> {
  return Inbox.open({ file: join(folder, name), onFailure: (error) => assert.fail(error) })
}

test('what was added comes back in order, as it was', async () => {
  const inbox = await open('order.db')
  await inbox.add('0', '10', [message('a'), message('b')])
  await inbox.add('1', '7', [message('c')])
  const read = await inbox.read(0, 10)
  assert.deepEqual(
    read.map(({ body }) => Buffer.from(body).toString()),
    ['a', 'b', 'c'],
  )
  const { sequence, body, ...rest } = read[0] ?? assert.fail('nothing')
  const { body: _, ...sent } = message('a')
  assert.deepEqual(rest, sent)
  assert.equal((await inbox.read(sequence, 1)).length, 1)
  await inbox.close()
})

test('a place and its messages are there again after a restart, and sequences go on', async () => {
  const first = await open('again.db')
  await first.add('0', '10', [message('a'), message('b')])
  const [, last] = await first.read(0, 10)
  await first.forget(last?.sequence ?? 0)
  await first.close()
  const second = await open('again.db')
  assert.equal(second.placeOf('0'), '10')
  assert.equal(second.placeOf('1'), undefined)
  assert.deepEqual(await second.read(0, 10), [])
  await second.add('0', '11', [message('c')])
  const [next] = await second.read(0, 10)
  assert.ok((next?.sequence ?? 0) > (last?.sequence ?? 0))
  await second.close()
})

test('a place moves without messages, and forgetting thousands keeps the rest', async () => {
  const inbox = await open('many.db')
  await inbox.add('0', '99', [])
  assert.equal(inbox.placeOf('0'), '99')
  await inbox.add(
    '0',
    '100',
    Array.from({ length: 5_000 }, (_, n) => message(`${n}`)),
  )
  const [first] = await inbox.read(0, 1)
  await inbox.forget((first?.sequence ?? 0) + 4_998)
  const left = await inbox.read(0, 10)
  assert.deepEqual(
    left.map(({ body }) => Buffer.from(body).toString()),
    ['4999'],
  )
  assert.equal(inbox.isFull, false)
  await inbox.close()
})
