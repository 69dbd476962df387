import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DeviceRef, HubError, type JsonObject } from '@twinward/protocol'
import type { EventFilter, EventRow, SecurityEventStore } from '../../src/data/event-store.ts'
import type { EventHeader, SecurityEvent } from '../../src/ingestion/record.ts'

/** What every SecurityEventStore must do. Each adapter calls this with a way to open an empty one. */
export function eventStoreContract(open: () => Promise<SecurityEventStore>): void {
  test('append: a row comes back exactly as it was stored', async () => {
    const store = await open()
    const odd = `'; DROP TABLE x; -- "ü" 火 \u0000 \\ \n`
    const header: Partial<EventHeader> = {
      ...{ name: odd, category: 'Aggregated', eventType: odd, isEmpty: false, agentVersion: odd },
      ...{ agentId: odd, eventId: odd, timestampLocal: odd, timestampSent: odd },
      deviations: ['integer-port', 'empty-port'],
    }
    await store.append([event(3, { a: odd, b: [1.5, null] }, header)], 3)
    const { items } = await store.query({ limit: 10 })
    const { category, eventType, isEmpty, agentVersion } = { ...event(3).header, ...header }
    assert.deepEqual(items, [
      {
        ...{ ref: pump, eventId: odd, name: odd, category, eventType, isEmpty, agentVersion },
        ...{ agentId: odd, timeMs: 1_003, receivedMs: 2_003, timestampLocal: odd },
        ...{ timestampSent: odd, details: JSON.stringify({ a: odd, b: [1.5, null] }) },
        ...{ deviations: ['integer-port', 'empty-port'], sequence: 3, row: 0 },
      },
    ])
  })

  test('append: one row for each element, and one for an event without any', async () => {
    const store = await open()
    const empty: SecurityEvent = { ...event(1), payload: [] }
    const three: SecurityEvent = { ...event(1), payload: [{ n: 0 }, { n: 1 }, { n: 2 }] }
    await store.append([empty, three, event(2)], 2)
    assert.deepEqual(places(await all(store)), ['2/0', '1/3', '1/2', '1/1', '1/0'])
    const details = (await all(store)).map((row) => row.details)
    assert.deepEqual(details, ['{}', '{"n":2}', '{"n":1}', '{"n":0}', '{}'])
  })

  test('append: a device without a module comes back without one', async () => {
    const store = await open()
    await store.append([event(1, {}, { ref: { deviceId: 'pump-1' } })], 1)
    assert.deepEqual((await all(store))[0]?.ref, { deviceId: 'pump-1' })
  })

  test('append: a replay doubles nothing and moves nothing back', async () => {
    const store = await open()
    assert.equal(await store.cursor(), 0)
    await store.append([event(1), event(2)], 2)
    await store.append([event(1), event(2)], 2)
    await store.append([event(1)], 1)
    assert.equal(await store.cursor(), 2)
    await store.append([event(2), event(3)], 3)
    assert.equal(await store.cursor(), 3)
    assert.deepEqual(places(await all(store)), ['3/0', '2/0', '1/0'])
  })

  test('append: a message without events moves the cursor all the same', async () => {
    const store = await open()
    await store.append([], 9)
    assert.equal(await store.cursor(), 9)
  })

  test('append: an event beyond the cursor it comes with is refused, since a replay would double it', async () => {
    const store = await open()
    await assert.rejects(store.append([event(1), event(5)], 4))
    assert.equal(await store.cursor(), 0)
    assert.deepEqual(await all(store), [])
  })

  test('append: many at once, in the order of the calls', async () => {
    const store = await open()
    const sequences = Array.from({ length: 20 }, (_, index) => index + 1)
    await Promise.all(sequences.map((sequence) => store.append([event(sequence)], sequence)))
    assert.equal((await all(store)).length, 20)
    assert.equal(await store.cursor(), 20)
  })

  test('append: more rows than fit into one chunk', async () => {
    const store = await open()
    const payload = Array.from({ length: 5_000 }, (_, n) => ({ n }))
    await store.append([{ ...event(1), payload }], 1)
    const rows = await all(store, 999)
    assert.equal(rows.length, 5_000)
    assert.ok(
      rows.every(({ row, details }, index) => row === 4_999 - index && details === `{"n":${row}}`),
    )
  })

  test('query: newest event time first, whatever the order of arrival', async () => {
    const store = await open()
    const times = [30, 10, 30, 20]
    const events = times.map((timeMs, index) => event(index + 1, {}, { timeMs }))
    await store.append(events, 4)
    assert.deepEqual(places(await all(store)), ['3/0', '1/0', '4/0', '2/0'])
  })

  test('query: filters by device, name and time, alone and together', async () => {
    const store = await open()
    const other = { deviceId: 'pump-10', moduleId: 'azureiotsecurity' }
    await store.append(
      [
        event(1, {}, { timeMs: 100 }),
        event(2, {}, { timeMs: 200, name: 'Login' }),
        event(3, {}, { timeMs: 300, ref: other }),
        event(4, {}, { timeMs: 400, ref: other, name: 'Login' }),
      ],
      4,
    )
    const found = async (filter: Partial<EventFilter>) =>
      (await store.query({ limit: 10, ...filter })).items.map(({ sequence }) => sequence)
    assert.deepEqual(await found({ deviceId: 'pump-1' }), [2, 1])
    assert.deepEqual(await found({ name: 'Login' }), [4, 2])
    assert.deepEqual(await found({ fromMs: 200, toMs: 400 }), [3, 2])
    assert.deepEqual(await found({ deviceId: 'pump-10', name: 'Login', fromMs: 400 }), [4])
    assert.deepEqual(await found({ deviceId: "x' OR '1'='1" }), [])
  })

  test('query: pages join without a gap or a repetition, also when rows arrive in between', async () => {
    const store = await open()
    const events = Array.from({ length: 10 }, (_, index) => event(index + 1, {}, { timeMs: 50 }))
    await store.append(events, 10)
    const first = await store.query({ limit: 4 })
    await store.append([event(11, {}, { timeMs: 99 }), event(12, {}, { timeMs: 50 })], 12)
    const second = await store.query({ limit: 4, ...token(first.continuationToken) })
    const third = await store.query({ limit: 4, ...token(second.continuationToken) })
    const sequences = [first, second, third].flatMap(({ items }) =>
      items.map((row) => row.sequence),
    )
    assert.deepEqual(sequences, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1])
    assert.equal(third.continuationToken, null)
  })

  test('query: a full last page has no token, and an empty store has an empty page', async () => {
    const store = await open()
    assert.deepEqual(await store.query({ limit: 2 }), { items: [], continuationToken: null })
    await store.append([event(1), event(2)], 2)
    assert.equal((await store.query({ limit: 2 })).continuationToken, null)
    assert.notEqual((await store.query({ limit: 1 })).continuationToken, null)
  })

  test('query: a page of very long details ends early, and the rest follows', async () => {
    const store = await open()
    const long = 'x'.repeat(250_000)
    const events = Array.from({ length: 60 }, (_, index) => event(index + 1, { long }))
    await store.append(events, 60)
    const first = await store.query({ limit: 60 })
    assert.ok(first.items.length > 0 && first.items.length < 60)
    assert.deepEqual(places(await all(store, 60)), places(events.toReversed().map(asRow)))
  })

  test('query: a token or limit that is not ours is refused', async () => {
    const store = await open()
    await store.append([event(1), event(2)], 2)
    const encoded = (text: string) => Buffer.from(text).toString('base64url')
    const tokens = ['', 'x', '%%%', encoded('{}'), encoded('[1,2]'), encoded('[1,2,"3"]')]
    const tooFar = [encoded('[1e300,1,1]'), encoded('[1,2,99999999999]'), encoded('[1.5,1,1]')]
    for (const continuationToken of [...tokens, ...tooFar, 'A'.repeat(100_000)]) {
      await assert.rejects(store.query({ limit: 1, continuationToken }), isArgumentInvalid)
    }
    for (const limit of [0, -1, 1.5, Number.NaN, 1_000_000]) {
      await assert.rejects(store.query({ limit }), isArgumentInvalid)
    }
  })

  test('query: many at once are all answered', async () => {
    const store = await open()
    await store.append([event(1), event(2)], 2)
    const pages = await Promise.all(Array.from({ length: 30 }, () => store.query({ limit: 5 })))
    assert.ok(pages.every(({ items }) => items.length === 2))
  })

  test('expire: removes what was received before, tells how much, and leaves the cursor', async () => {
    const store = await open()
    await store.append([event(1), event(2), event(3)], 3)
    assert.equal(await store.expire(2_003), 2)
    assert.equal(await store.expire(2_003), 0)
    assert.deepEqual(places(await all(store)), ['3/0'])
    await store.append([event(1)], 1)
    assert.deepEqual(places(await all(store)), ['3/0'])
  })

  test('close: may be called twice; afterwards everything is refused', async () => {
    const store = await open()
    const appended = store.append([event(1)], 1)
    await store.close()
    await appended
    await store.close()
    await assert.rejects(store.append([event(2)], 2), HubError)
    await assert.rejects(store.query({ limit: 1 }), HubError)
  })
}

const pump: DeviceRef = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }

/** An event at 1,000 ms + sequence, received a second later. */
export function event(
  sequence: number,
  element: JsonObject = {},
  overrides: Partial<EventHeader> = {},
): SecurityEvent {
  const header: EventHeader = {
    ref: pump,
    era: 'legacy',
    agentVersion: '0.0.6',
    agentId: 'e8a3d9c1-6b54-4a0f-9a53-0c1c3e1f77aa',
    eventId: `4f7e2b1a-30a1-4c6d-8e52-${String(sequence).padStart(12, '0')}`,
    name: 'ProcessCreate',
    category: 'Triggered',
    eventType: 'Security',
    isEmpty: false,
    timeMs: 1_000 + sequence,
    timestampLocal: '2019-11-02T10:15:33+02:00',
    receivedMs: 2_000 + sequence,
    sequence,
    deviations: [],
    ...overrides,
  }
  return { header, payload: [element] }
}

/** All rows of the store, page by page. */
export async function all(store: SecurityEventStore, limit = 100): Promise<EventRow[]> {
  const rows: EventRow[] = []
  let page = await store.query({ limit })
  rows.push(...page.items)
  while (page.continuationToken !== null) {
    page = await store.query({ limit, ...token(page.continuationToken) })
    rows.push(...page.items)
  }
  return rows
}

function token(continuationToken: string | null) {
  return continuationToken === null ? {} : { continuationToken }
}

function places(rows: readonly { sequence: number; row: number }[]): string[] {
  return rows.map(({ sequence, row }) => `${sequence}/${row}`)
}

function asRow({ header }: SecurityEvent) {
  return { sequence: header.sequence, row: 0 }
}

function isArgumentInvalid(error: unknown): boolean {
  return error instanceof HubError && error.code === 'ArgumentInvalid'
}
