import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { header } from '../../test/records.ts'
import { DuckDbEventStore } from '../adapters/duckdb/event-store.ts'
import { decodeMessage } from './decode.ts'
import { normalise } from './normalise.ts'
import type { SecurityEvent, SecurityRecord } from './record.ts'
import { REPLAY_PAGE_ROWS, replayEvents } from './replay.ts'

const vectors = new URL('../../../../vectors/security-messages/accepted.json', import.meta.url)
const folder = await mkdtemp(join(tmpdir(), 'replay-'))
let store: DuckDbEventStore
let sequence = 0

before(async () => {
  store = await DuckDbEventStore.open(join(folder, 'events.duckdb'))
})
after(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

async function stored(events: readonly SecurityEvent[]): Promise<readonly SecurityEvent[]> {
  await store.expire(Number.MAX_SAFE_INTEGER)
  await store.append(events, ++sequence)
  const read: SecurityEvent[] = []
  for await (const event of replayEvents((filter) => store.query(filter), {})) read.push(event)
  return read.reverse()
}

/** Without the era, which no rule reads and no row tells where both say the same. */
function facts(events: readonly SecurityEvent[]): readonly SecurityRecord[] {
  return events.flatMap(normalise).map((record) => {
    return { ...record, header: { ...record.header, era: 'legacy' as const } }
  })
}

test('replay: every accepted message of every era gives the records that it gave when it came', async () => {
  const samples = JSON.parse(readFileSync(vectors, 'utf8')) as readonly {
    readonly message: JsonObject
  }[]
  assert.ok(samples.length > 20)
  const events = samples.flatMap(({ message }) => {
    const receivedMs = Date.UTC(2019, 10, 2, 9)
    const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
    const body = Buffer.from(JSON.stringify(message))
    const place = { sequence: ++sequence, enqueuedTimeMs: receivedMs }
    return decodeMessage({ ref, system: {}, application: {}, body, ...place }, receivedMs).events
  })
  const byTime = events.sort((a, b) => a.header.timeMs - b.header.timeMs)
  assert.deepEqual(facts(await stored(byTime)), facts(byTime))
})

function event(eventId: string, payload: readonly JsonObject[], timeMs: number): SecurityEvent {
  return {
    header: header({ eventId, sequence: sequence + 1, timeMs, receivedMs: timeMs }),
    payload,
  }
}

test('replay: an event of more rows than a page, between others of the same moment, stays whole', async () => {
  const many = Array.from({ length: REPLAY_PAGE_ROWS + 500 }, (_, n) => ({ n }))
  const events = [
    event('a', [{ n: 1 }], 1_000),
    event('b', many, 2_000),
    event('c', [{ n: 2 }, { n: 3 }], 2_000),
    event('d', [], 3_000),
  ]
  const read = await stored(events)
  assert.deepEqual(
    read.map(({ header, payload }) => [header.eventId, payload]),
    events.map(({ header, payload }) => [header.eventId, payload]),
  )
})

test('replay: reads no further than it is asked to', async () => {
  await stored(Array.from({ length: 3 * REPLAY_PAGE_ROWS }, (_, at) => event(`e${at}`, [{}], at)))
  let pages = 0
  const query: Parameters<typeof replayEvents>[0] = (filter) => {
    pages++
    return store.query(filter)
  }
  for await (const { header } of replayEvents(query, { deviceId: 'pump-1' })) {
    assert.equal(header.eventId, `e${3 * REPLAY_PAGE_ROWS - 1}`)
    break
  }
  assert.equal(pages, 1)
})
