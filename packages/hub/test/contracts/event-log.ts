import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventLog, LogRecord, StampedMessage } from '../../src/messages/event-log.ts'

/** What every EventLog must do. Each adapter's test calls this with a way to open an empty one. */
export function eventLogContract(open: () => Promise<EventLog>): void {
  testAppendAndRead(open)
  testTrimAndExpire(open)
  testSizes(open)
  testPositions(open)
}

function testAppendAndRead(open: () => Promise<EventLog>): void {
  test('append: sequences start at 1 and grow in the order of the calls', async () => {
    await using store = await opened(open)
    const { log } = store
    assert.equal(await log.head('telemetry', 0), 0)
    const sequences = await Promise.all(
      Array.from({ length: 300 }, (_, n) => log.append('telemetry', 0, message({ text: `${n}` }))),
    )
    assert.ok(sequences[0] === 1 && isGrowing(sequences))
    const records = await log.read('telemetry', 0, 0, 1000)
    assert.deepEqual(
      records.map(({ sequence }) => sequence),
      sequences,
    )
    assert.deepEqual(
      records.map(textOf),
      sequences.map((_, n) => `${n}`),
    )
    assert.equal(await log.head('telemetry', 0), sequences.at(-1))
  })

  test('appendAll: all are in their streams, in order, among what was appended around them', async () => {
    await using store = await opened(open)
    const { log } = store
    const before = log.append('telemetry', 0, message({ text: 'before' }))
    const all = log.appendAll([
      { stream: 'telemetry', partition: 0, message: message({ text: 'first' }) },
      { stream: 'security', partition: 0, message: message({ text: 'second' }) },
      { stream: 'telemetry', partition: 0, message: message({ text: 'third' }) },
    ])
    const after = log.append('telemetry', 0, message({ text: 'after' }))
    const [first = 0, second = 0, third = 0] = await all
    assert.ok(isGrowing([await before, first, third, await after]))
    const telemetry = await log.read('telemetry', 0, 0, 9)
    assert.deepEqual(telemetry.map(textOf), ['before', 'first', 'third', 'after'])
    const [stored] = await log.read('security', 0, 0, 9)
    assert.deepEqual([stored && textOf(stored), stored?.sequence], ['second', second])
    assert.deepEqual(await log.appendAll([]), [])
  })

  test('read: a message comes back exactly as it was appended', async () => {
    await using store = await opened(open)
    const { log } = store
    const odd = message({
      ref: { deviceId: 'pump-1', moduleId: 'azureiotsecurity' },
      application: JSON.parse('{"__proto__":"p","naïve 鍵 😀":"°C","none":null,"":""}'),
      body: Uint8Array.from({ length: 256 }, (_, byte) => byte),
    })
    const empty = message({ body: new Uint8Array(0), application: {} })
    await Promise.all([log.append('security', 0, odd), log.append('security', 0, empty)])
    const [first, second] = await log.read('security', 0, 0, 10)
    assert.deepEqual(plain(first), odd)
    assert.deepEqual(plain(second), empty)
  })

  test('read: a body that is a part of a larger buffer comes back alone', async () => {
    await using store = await opened(open)
    const { log } = store
    const chunk = Buffer.from('first|second')
    await Promise.all([
      log.append('telemetry', 0, message({ body: chunk.subarray(0, 5) })),
      log.append('telemetry', 0, message({ body: chunk.subarray(6) })),
    ])
    const records = await log.read('telemetry', 0, 0, 10)
    assert.deepEqual(records.map(textOf), ['first', 'second'])
  })

  test('read: starts after the given sequence and ends at the limit', async () => {
    await using store = await opened(open)
    const { log } = store
    const sequences: number[] = []
    for (const text of ['a', 'b', 'c', 'd']) {
      sequences.push(await log.append('telemetry', 3, message({ text })))
    }
    const [, second = 0, , fourth = 0] = sequences
    assert.deepEqual((await log.read('telemetry', 3, second, 1)).map(textOf), ['c'])
    assert.deepEqual((await log.read('telemetry', 3, second, 10)).map(textOf), ['c', 'd'])
    assert.deepEqual(await log.read('telemetry', 3, fourth, 10), [])
  })

  test('read: is bounded in bytes, but returns at least one record', async () => {
    await using store = await opened(open)
    const { log } = store
    const body = new Uint8Array(256 * 1024)
    await Promise.all(
      Array.from({ length: 40 }, () => log.append('telemetry', 0, message({ body }))),
    )
    const read: number[] = []
    for (let after = 0; read.length < 40; after = read.at(-1) ?? 0) {
      const records = await log.read('telemetry', 0, after, 1000)
      assert.ok(records.length >= 1 && records.length <= 17, `${records.length} records at once`)
      read.push(...records.map(({ sequence }) => sequence))
    }
    assert.ok(isGrowing(read))
  })

  test('read: streams and partitions are apart', async () => {
    await using store = await opened(open)
    const { log } = store
    await log.append('telemetry', 0, message({ text: 'telemetry 0' }))
    await log.append('telemetry', 1, message({ text: 'telemetry 1' }))
    await log.append('security', 0, message({ text: 'security 0' }))
    assert.deepEqual((await log.read('telemetry', 0, 0, 9)).map(textOf), ['telemetry 0'])
    assert.deepEqual((await log.read('telemetry', 1, 0, 9)).map(textOf), ['telemetry 1'])
    assert.deepEqual((await log.read('security', 0, 0, 9)).map(textOf), ['security 0'])
    assert.deepEqual(await log.read('security', 1, 0, 9), [])
  })

  test('read: sees every append that was called before', async () => {
    await using store = await opened(open)
    const { log } = store
    for (const text of ['a', 'b', 'c']) {
      const appended = log.append('telemetry', 0, message({ text }))
      assert.equal((await log.read('telemetry', 0, 0, 9)).map(textOf).at(-1), text)
      await appended
    }
  })
}

function testTrimAndExpire(open: () => Promise<EventLog>): void {
  test('trim: removes through the given sequence, in one partition only', async () => {
    await using store = await opened(open)
    const { log } = store
    for (const text of ['a', 'b', 'c']) {
      await log.append('telemetry', 0, message({ text }))
      await log.append('telemetry', 1, message({ text }))
    }
    const [, second] = await log.read('telemetry', 0, 0, 9)
    await log.trim('telemetry', 0, second?.sequence ?? 0)
    assert.deepEqual((await log.read('telemetry', 0, 0, 9)).map(textOf), ['c'])
    assert.equal((await log.read('telemetry', 1, 0, 9)).length, 3)
    await log.trim('security', 0, 100)
  })

  test('trim: a sequence is not given out again', async () => {
    await using store = await opened(open)
    const { log } = store
    const last = await log.append('security', 0, message({ text: 'a' }))
    await log.trim('security', 0, last)
    assert.deepEqual(await log.read('security', 0, 0, 9), [])
    assert.equal(await log.head('security', 0), last)
    assert.ok((await log.append('security', 0, message({ text: 'b' }))) > last)
  })

  test('trim and expire: many records at once', async () => {
    await using store = await opened(open)
    const { log } = store
    const appended = Array.from({ length: 7000 }, (_, n) =>
      log.append('telemetry', n % 2, message({ enqueuedTimeMs: 1000 + n })),
    )
    await Promise.all(appended)
    await log.trim('telemetry', 0, await log.head('telemetry', 0))
    assert.deepEqual(await log.read('telemetry', 0, 0, 9), [])
    assert.equal(await log.expire('telemetry', 10_000), 3500)
    assert.deepEqual(await log.read('telemetry', 1, 0, 9), [])
  })

  test('expire: removes what is older, in all partitions of one stream, and counts it', async () => {
    await using store = await opened(open)
    const { log } = store
    // A clock may step back: order and age are not the same.
    for (const enqueuedTimeMs of [2000, 1000, 3000]) {
      await log.append('telemetry', 0, message({ text: `${enqueuedTimeMs}`, enqueuedTimeMs }))
      await log.append('telemetry', 1, message({ text: `${enqueuedTimeMs}`, enqueuedTimeMs }))
      await log.append('security', 0, message({ text: `${enqueuedTimeMs}`, enqueuedTimeMs }))
    }
    assert.equal(await log.expire('telemetry', 2000), 2)
    assert.deepEqual((await log.read('telemetry', 0, 0, 9)).map(textOf), ['2000', '3000'])
    assert.deepEqual((await log.read('telemetry', 1, 0, 9)).map(textOf), ['2000', '3000'])
    assert.equal((await log.read('security', 0, 0, 9)).length, 3)
    assert.equal(await log.expire('telemetry', 2000), 0)
  })
}

function testSizes(open: () => Promise<EventLog>): void {
  const body = new Uint8Array(10_000)

  test('size: grows by body and properties, and goes back to 0 when all are gone', async () => {
    await using store = await opened(open)
    const { log } = store
    assert.equal(log.size('telemetry'), 0)
    const appended = [0, 1, 0].map((partition) =>
      log.append(
        'telemetry',
        partition,
        message({ body, application: { naïve: '鍵'.repeat(100) } }),
      ),
    )
    const expected = log.size('telemetry')
    assert.ok(expected > 3 * 10_300 && expected < 3 * 11_000, `${expected} bytes under way`)
    await Promise.all(appended)
    assert.equal(log.size('telemetry'), expected)
    assert.equal(log.size('security'), 0)
    await log.trim('telemetry', 0, 1)
    assert.equal(log.size('telemetry'), (expected / 3) * 2)
    await log.expire('telemetry', Number.MAX_SAFE_INTEGER)
    assert.equal(log.size('telemetry'), 0)
  })

  test('shrink: the oldest go, whatever their partition, and no more than must', async () => {
    await using store = await opened(open)
    const { log } = store
    for (const [at, partition] of [0, 0, 1, 0, 1, 1].entries()) {
      const parts = { text: `${at}`.padEnd(10_000), enqueuedTimeMs: 1000 + at }
      await log.append('telemetry', partition, message(parts))
    }
    await log.append('security', 0, message({ body, enqueuedTimeMs: 1 }))
    assert.equal(await log.shrink('telemetry', log.size('telemetry')), 0)
    assert.equal(await log.shrink('telemetry', 25_000), 4)
    assert.deepEqual(await log.read('telemetry', 0, 0, 9), [])
    const left = await log.read('telemetry', 1, 0, 9)
    assert.deepEqual(
      left.map(textOf).map((text) => text.trim()),
      ['4', '5'],
    )
    assert.ok(log.size('telemetry') <= 25_000)
    assert.equal((await log.read('security', 0, 0, 9)).length, 1)
    assert.equal(await log.shrink('telemetry', 0), 2)
    assert.equal(log.size('telemetry'), 0)
    assert.equal(await log.shrink('telemetry', 0), 0)
    assert.ok((await log.append('telemetry', 1, message())) > 3)
  })

  test('shrink: a partition loses its beginning, even where the clock stepped back', async () => {
    await using store = await opened(open)
    const { log } = store
    for (const enqueuedTimeMs of [3000, 1000, 4000]) {
      await log.append('telemetry', 0, message({ body, enqueuedTimeMs }))
    }
    assert.equal(await log.shrink('telemetry', 25_000), 1)
    const left = await log.read('telemetry', 0, 0, 9)
    assert.deepEqual(
      left.map((record) => record.message.enqueuedTimeMs),
      [1000, 4000],
    )
  })

  test('shrink: many small records at once', async () => {
    await using store = await opened(open)
    const { log } = store
    const appended = Array.from({ length: 9000 }, (_, n) =>
      log.append('telemetry', n % 2, message({ enqueuedTimeMs: 1000 + n })),
    )
    await Promise.all(appended)
    const each = log.size('telemetry') / 9000
    assert.equal(await log.shrink('telemetry', 100 * each), 8900)
    assert.equal((await log.read('telemetry', 0, 0, 9000)).length, 50)
    assert.equal(log.size('telemetry'), 100 * each)
  })
}

function testPositions(open: () => Promise<EventLog>): void {
  test('read: what an event tells of and its model come back', async () => {
    await using store = await opened(open)
    const { log } = store
    const event = message({ source: 'twinChangeEvents', modelId: 'dtmi:example:Pump;1' })
    await log.append('telemetry', 0, event)
    await log.append('telemetry', 0, message())
    const [first, second] = await log.read('telemetry', 0, 0, 9)
    assert.deepEqual(plain(first), event)
    assert.ok(second && !('source' in second.message) && !('modelId' in second.message))
  })

  test('state: tells what is there, of a partition that was never used too', async () => {
    await using store = await opened(open)
    const { log } = store
    const never = { firstSequence: 1, lastSequence: 0, lastEnqueuedMs: 0, isEmpty: true }
    assert.deepEqual(await log.state('telemetry', 3), never)
    for (const enqueuedTimeMs of [1000, 3000, 2000]) {
      await log.append('telemetry', 0, message({ enqueuedTimeMs }))
    }
    const full = { firstSequence: 1, lastSequence: 3, lastEnqueuedMs: 2000, isEmpty: false }
    assert.deepEqual(await log.state('telemetry', 0), full)
    assert.deepEqual(await log.state('security', 0), never)
    await log.trim('telemetry', 0, 1)
    assert.deepEqual(await log.state('telemetry', 0), { ...full, firstSequence: 2 })
    await log.trim('telemetry', 0, 3)
    const empty = { firstSequence: 4, lastSequence: 3, lastEnqueuedMs: 0, isEmpty: true }
    assert.deepEqual(await log.state('telemetry', 0), empty)
  })

  test('sequenceBefore: reading after it starts at the time', async () => {
    await using store = await opened(open)
    const { log } = store
    assert.equal(await log.sequenceBefore('telemetry', 0, 5000), 0)
    for (const enqueuedTimeMs of [1000, 2000, 2000, 3000]) {
      await log.append('telemetry', 0, message({ enqueuedTimeMs }))
      await log.append('telemetry', 1, message({ enqueuedTimeMs: enqueuedTimeMs + 10_000 }))
    }
    const before = (timeMs: number) => log.sequenceBefore('telemetry', 0, timeMs)
    const times = [0, 1000, 1001, 2000, 2001, 3000, 3001]
    assert.deepEqual(await Promise.all(times.map(before)), [0, 0, 1, 1, 3, 3, 4])
    await log.trim('telemetry', 0, 2)
    assert.deepEqual(await Promise.all(times.map(before)), [0, 0, 0, 0, 3, 3, 4])
    await log.trim('telemetry', 0, 4)
    assert.equal(await before(9000), 0)
  })

  test('sequenceBefore: where the clock stepped back, nothing at or after the time is missed', async () => {
    await using store = await opened(open)
    const { log } = store
    const enqueued = [1000, 5000, 2000, 4000, 3000, 6000, 5500, 7000]
    for (const enqueuedTimeMs of enqueued) {
      await log.append('telemetry', 0, message({ enqueuedTimeMs }))
    }
    for (let trimmed = 0; trimmed <= enqueued.length; trimmed++) {
      await log.trim('telemetry', 0, trimmed)
      for (let timeMs = 500; timeMs <= 7500; timeMs += 500) {
        const first = enqueued.findIndex((time, at) => at >= trimmed && time >= timeMs)
        const last = first < 0 ? enqueued.length : first
        const expected = last > trimmed ? last : 0
        const what = `${timeMs} after ${trimmed} went`
        assert.equal(await log.sequenceBefore('telemetry', 0, timeMs), expected, what)
      }
    }
  })
}

async function opened(open: () => Promise<EventLog>) {
  const log = await open()
  return { log, [Symbol.asyncDispose]: () => log.close() }
}

export function message(parts: Partial<StampedMessage> & { text?: string } = {}): StampedMessage {
  const { text = '', ...given } = parts
  return {
    ref: { deviceId: 'pump-1' },
    system: { messageId: 'm-1', contentType: 'application/json' },
    application: { level: 'info' },
    body: new TextEncoder().encode(text),
    enqueuedTimeMs: 1_717_243_200_000,
    generationId: '637132226218041937',
    authMethod: '{"scope":"device","type":"sas","issuer":"iothub"}',
    ...given,
  }
}

export function textOf({ message: { body } }: LogRecord): string {
  return new TextDecoder().decode(body)
}

/** The message with its body as a plain byte array, whatever kind the adapter uses. */
function plain(record: LogRecord | undefined): StampedMessage | undefined {
  return record && { ...record.message, body: Uint8Array.from(record.message.body) }
}

function isGrowing(sequences: readonly number[]): boolean {
  return sequences.every((sequence, at) => at === 0 || sequence > (sequences[at - 1] ?? 0))
}
