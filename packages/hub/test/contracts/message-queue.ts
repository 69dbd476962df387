import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeviceRef } from '@twinward/protocol'
import type {
  FeedbackRecord,
  MessageHead,
  MessageQueue,
  QueuedMessage,
  QueueOwner,
} from '../../src/messages/message-queue.ts'

const pump: QueueOwner = { ref: { deviceId: 'pump-1' }, generationId: '638' }
const agent: QueueOwner = { ref: { deviceId: 'pump-1', moduleId: 'app' }, generationId: '639' }
const NEVER = { limit: 100, skip: [], nowMs: 0 }

type Open = () => Promise<MessageQueue>

/** What every MessageQueue must do. Each adapter's test calls this with a way to open an empty one. */
export function messageQueueContract(open: Open): void {
  testReading(open)
  testExpiry(open)
  testRemoval(open)
  testFeedback(open)
}

function testReading(open: Open): void {
  test('read: messages come back exactly as they were appended, the oldest first', async () => {
    await using store = await opened(open)
    const { queue } = store
    const odd = messageOf(pump, {
      messageId: 'odd',
      ack: 'full',
      system: { messageId: 'odd', correlationId: 'c', contentType: 'application/json' },
      application: JSON.parse('{"__proto__":"p","none":null,"":"","a b":"100%"}'),
      body: Uint8Array.from({ length: 256 }, (_, byte) => byte),
      deliveryCount: 3,
    })
    const empty = messageOf(pump, { body: new Uint8Array(0) })
    const sequences = await Promise.all([odd, empty].map((message) => queue.append(message)))
    const found = await queue.read(pump, NEVER)
    assert.deepEqual(
      found.map(plain),
      [odd, empty].map((message, at) => ({ ...message, sequence: sequences[at] })),
    )
  })

  test('append: of a body that is part of a larger buffer only that part is kept', async () => {
    await using store = await opened(open)
    const chunk = Buffer.from('first|second')
    await store.queue.append(messageOf(pump, { body: chunk.subarray(0, 5) }))
    const [message] = await store.queue.read(pump, NEVER)
    assert.equal(Buffer.from(message?.body ?? []).toString(), 'first')
  })

  test('append: sequences grow over all queues and never return', async () => {
    await using store = await opened(open)
    const { queue } = store
    const first = await queue.append(messageOf(pump))
    const second = await queue.append(messageOf(agent))
    assert.ok(second > first)
    await queue.remove([{ sequence: first }, { sequence: second }])
    assert.ok((await queue.append(messageOf(pump))) > second)
  })

  test('read: skips what it is told to, ends at the limit, knows only its own queue', async () => {
    await using store = await opened(open)
    const { queue } = store
    const again: QueueOwner = { ...pump, generationId: '700' }
    const mine: number[] = []
    for (const owner of [pump, agent, pump, again, pump, pump]) {
      const sequence = await queue.append(messageOf(owner))
      if (owner === pump) mine.push(sequence)
    }
    const [first = 0, second = 0, third = 0, fourth = 0] = mine
    const read = async (limit: number, skip: readonly number[]) =>
      (await queue.read(pump, { limit, skip, nowMs: 0 })).map(({ sequence }) => sequence)
    assert.deepEqual(await read(100, []), mine)
    assert.deepEqual(await read(2, [first, third]), [second, fourth])
    assert.equal((await queue.read(agent, NEVER)).length, 1)
    assert.equal((await queue.heads(pump.ref, 100)).length, 5)
    assert.equal((await queue.heads(pump.ref, 2)).length, 2)
    assert.equal((await queue.heads({ deviceId: 'pump-10' }, 100)).length, 0)
  })

  test('listQueues: counts what waits per queue, in pages', async () => {
    await using store = await opened(open)
    const { queue } = store
    const again: QueueOwner = { ...pump, generationId: '700' }
    const other: QueueOwner = { ref: { deviceId: 'a-device' }, generationId: '1' }
    for (const owner of [pump, agent, pump, again, other]) await queue.append(messageOf(owner))
    const pages = []
    for (let after: QueueOwner | undefined; ; ) {
      const page = await queue.listQueues(2, after)
      if (page.length === 0) break
      assert.ok(page.length <= 2)
      pages.push(...page)
      after = page.at(-1)?.owner
    }
    assert.deepEqual(pages, [
      { owner: other, count: 1 },
      { owner: pump, count: 2 },
      { owner: again, count: 1 },
      { owner: agent, count: 1 },
    ])
  })
}

function testExpiry(open: Open): void {
  test('read: never returns what has expired', async () => {
    await using store = await opened(open)
    const { queue } = store
    await queue.append(messageOf(pump, { expiresAtMs: 100 }))
    const kept = await queue.append(messageOf(pump, { expiresAtMs: 101 }))
    const found = await queue.read(pump, { limit: 10, skip: [], nowMs: 100 })
    assert.deepEqual(
      found.map(({ sequence }) => sequence),
      [kept],
    )
  })

  test('expired: lists the due of all queues by their time, page by page', async () => {
    await using store = await opened(open)
    const { queue } = store
    const times = [300, 100, 200, 100, 400, 100]
    const sequences: number[] = []
    for (const [at, expiresAtMs] of times.entries()) {
      const owner = at % 2 === 0 ? pump : agent
      sequences.push(await queue.append(messageOf(owner, { expiresAtMs })))
    }
    const found: number[] = []
    for (let after: MessageHead | undefined; ; ) {
      const page = await queue.expired(300, 2, after)
      if (page.length === 0) break
      found.push(...page.map(({ sequence }) => sequence))
      after = page.at(-1)
    }
    const expected = [1, 3, 5, 2, 0].map((at) => sequences[at])
    assert.deepEqual(found, expected)
  })
}

function testRemoval(open: Open): void {
  test('remove: who removes a message stores its feedback, and nobody else does', async () => {
    await using store = await opened(open)
    const { queue } = store
    const [one = 0, other = 0] = [
      await queue.append(messageOf(pump)),
      await queue.append(messageOf(agent)),
    ]
    const feedback = recordOf(pump, 'Success')
    const calls = [
      queue.remove([{ sequence: one, feedback }]),
      queue.remove([{ sequence: one, feedback: recordOf(pump, 'Purged') }, { sequence: other }]),
    ]
    assert.deepEqual(await Promise.all(calls), [[one], [other]])
    const stored = await queue.readFeedback(10, [])
    assert.deepEqual(stored.map(withoutSequence), [feedback])
    assert.deepEqual(await queue.heads(pump.ref, 10), [])
    assert.deepEqual(await queue.remove([]), [])
  })

  test('setDeliveryCount: is kept, and says when the message has gone', async () => {
    await using store = await opened(open)
    const { queue } = store
    const sequence = await queue.append(messageOf(pump))
    assert.equal(await queue.setDeliveryCount(sequence, 4), true)
    const [head] = await queue.heads(pump.ref, 1)
    assert.equal(head?.deliveryCount, 4)
    await queue.remove([{ sequence }])
    assert.equal(await queue.setDeliveryCount(sequence, 5), false)
  })
}

function testFeedback(open: Open): void {
  test('readFeedback: the oldest first, without those to skip; removed ones are gone', async () => {
    await using store = await opened(open)
    const { queue } = store
    await addFeedback(queue, [10, 20, 30, 40])
    const all = await queue.readFeedback(10, [])
    assert.deepEqual(
      all.map(({ timeMs }) => timeMs),
      [10, 20, 30, 40],
    )
    const [first, second, third] = all.map(({ sequence }) => sequence) as [number, number, number]
    const some = await queue.readFeedback(1, [first, third])
    assert.deepEqual(
      some.map(({ sequence }) => sequence),
      [second],
    )
    await queue.removeFeedback([first, second])
    assert.equal((await queue.readFeedback(10, [])).length, 2)
  })

  test('trimFeedback: removes the old, then the oldest of too many, and says how many', async () => {
    await using store = await opened(open)
    const { queue } = store
    await addFeedback(queue, [10, 20, 30, 40, 50])
    assert.equal(await queue.trimFeedback(20, 100), 1)
    assert.equal(await queue.trimFeedback(20, 100), 0)
    assert.equal(await queue.trimFeedback(0, 3), 1)
    const left = await queue.readFeedback(10, [])
    assert.deepEqual(
      left.map(({ timeMs }) => timeMs),
      [30, 40, 50],
    )
    assert.equal(await queue.trimFeedback(1000, 0), 3)
  })
}

async function addFeedback(queue: MessageQueue, times: readonly number[]): Promise<void> {
  for (const timeMs of times) {
    const sequence = await queue.append(messageOf(pump))
    await queue.remove([{ sequence, feedback: recordOf(pump, 'Success', timeMs) }])
  }
}

export function messageOf(
  owner: QueueOwner,
  parts: Partial<QueuedMessage> = {},
): Omit<QueuedMessage, 'sequence'> {
  return {
    owner,
    messageId: 'm-1',
    ack: 'none',
    enqueuedTimeMs: 1,
    expiresAtMs: 3_600_000,
    deliveryCount: 0,
    system: { messageId: 'm-1' },
    application: { colour: 'red' },
    body: Buffer.from('hello'),
    ...parts,
  }
}

function recordOf(owner: QueueOwner, status: FeedbackRecord['status'], timeMs = 5): FeedbackRecord {
  return { owner, originalMessageId: 'm-1', status, timeMs }
}

function withoutSequence({ owner, originalMessageId, status, timeMs }: FeedbackRecord) {
  return { owner, originalMessageId, status, timeMs }
}

/** Byte arrays of one kind, so that they compare. */
function plain(message: QueuedMessage): QueuedMessage {
  const { ref, generationId } = message.owner
  const owner: QueueOwner = { ref: { ...(ref as DeviceRef) }, generationId }
  return { ...message, owner, body: Uint8Array.from(message.body) }
}

async function opened(open: Open): Promise<{ queue: MessageQueue } & AsyncDisposable> {
  const queue = await open()
  return { queue, [Symbol.asyncDispose]: () => queue.close() }
}
