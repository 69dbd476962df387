import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { header } from '../../test/records.ts'
import { MemoryIngestionStore } from '../adapters/memory/ingestion-store.ts'
import type { SecurityMessage } from '../platform.ts'
import { Admission } from './admission.ts'
import { REUSED_ID } from './admit.ts'
import type { IngestionBatch } from './ingestion-store.ts'
import type { IngestedMessage } from './pipeline.ts'
import { OPERATIONAL_ROWS_PER_HOUR } from './quota.ts'
import type { EventHeader, SecurityEvent } from './record.ts'

const HOUR_MS = 3_600_000
const START_MS = Date.UTC(2024, 0, 1)
const LIMITS = { dailyBytes: 10_000, hourlyRows: 10 }

interface Sent extends Partial<EventHeader> {
  readonly id: string
  readonly rows?: number
  readonly text?: string
}

function ingested(
  sequence: number,
  events: readonly Sent[],
  { atMs = START_MS, bytes = 10, deviceId = 'pump-1', moduleId = 'azureiotsecurity' } = {},
): IngestedMessage {
  const ref = { deviceId, moduleId }
  const message: SecurityMessage = {
    ...{ ref, system: {}, application: {}, body: new Uint8Array(bytes), sequence },
    enqueuedTimeMs: atMs,
  }
  const decoded = {
    events: events.map(({ id, rows = 1, text = '', ...fields }): SecurityEvent => {
      const own = header({ ref, eventId: id, sequence, receivedMs: atMs, ...fields })
      return { header: own, payload: Array.from({ length: rows }, () => ({ text })) }
    }),
    ...{ rejections: [], agentVersion: '1', agentId: 'a', schema: '1.0' },
  }
  return { message, decoded }
}

async function open(limits = LIMITS, store = new MemoryIngestionStore()) {
  const admission = new Admission(store, limits)
  await admission.start()
  return {
    store,
    admission,
    /** The ids that count, of one message after the other. */
    async admit(...messages: readonly IngestedMessage[]) {
      const admitted = await admission.admit(messages, 0)
      return admitted.map(({ decoded }) => decoded.events.map(({ header }) => header.eventId))
    },
  }
}

test('an event that an agent sends again counts once, in whatever message it comes', async () => {
  const { admit, store } = await open()
  assert.deepEqual(
    await admit(ingested(1, [{ id: 'a' }, { id: 'a' }]), ingested(2, [{ id: 'b' }, { id: 'a' }])),
    [['a'], ['b']],
  )
  assert.deepEqual(await admit(ingested(3, [{ id: 'a' }, { id: 'c' }])), [['c']])
  const [state] = await store.findStates(['pump-1'])
  assert.equal(state?.repeated, 3)
  assert.equal(state?.events, 3)
})

test('an id with another content is another event: kept, marked and counted', async () => {
  const { admission, store } = await open()
  const [first] = await admission.admit(
    [ingested(1, [{ id: 'a' }, { id: 'a', text: 'other' }, { id: 'a', text: 'other' }])],
    0,
  )
  assert.deepEqual(
    first?.decoded.events.map(({ header }) => header.deviations),
    [[], [REUSED_ID]],
  )
  const [state] = await store.findStates(['pump-1'])
  assert.deepEqual([state?.reusedIds, state?.repeated], [1, 1])
})

test('ids are of one sender: another device or module may have the same', async () => {
  const { admit } = await open()
  assert.deepEqual(
    await admit(
      ingested(1, [{ id: 'a' }]),
      ingested(2, [{ id: 'a' }], { deviceId: 'pump-2' }),
      ingested(3, [{ id: 'a' }], { moduleId: 'DefenderIotMicroAgent' }),
    ),
    [['a'], ['a'], ['a']],
  )
})

test('after a restart, what came before is still known', async () => {
  const { admit, store } = await open()
  await admit(ingested(1, [{ id: 'a' }]))
  const again = await open(LIMITS, store)
  assert.deepEqual(await again.admit(ingested(2, [{ id: 'a' }, { id: 'b' }])), [['b']])
})

test('a message that is given once more gets the verdict of the first time', async () => {
  const messages = [
    ingested(1, [{ id: 'a' }, { id: 'b', rows: 20 }]),
    ingested(2, [{ id: 'a' }, { id: 'c' }, { id: 'c', text: 'x' }]),
  ]
  const first = await open()
  const before = await first.admission.admit(messages, 0)
  for (const reader of [first, await open(LIMITS, first.store)]) {
    const after = await reader.admission.admit(messages, 0)
    assert.deepEqual(after, before)
  }
  const [state] = await first.store.findStates(['pump-1'])
  assert.equal(state?.repeated, 1, 'and is not counted again')
})

test('when the store fails nothing was learned: the message is judged anew', async () => {
  class Failing extends MemoryIngestionStore {
    isFailing = false
    override async commit(batch: IngestionBatch) {
      if (this.isFailing) throw new Error('no commit now')
      return super.commit(batch)
    }
  }
  const store = new Failing()
  const { admit } = await open(LIMITS, store)
  await admit(ingested(1, [{ id: 'a' }]))
  store.isFailing = true
  await assert.rejects(admit(ingested(2, [{ id: 'b' }])))
  store.isFailing = false
  assert.deepEqual(await admit(ingested(2, [{ id: 'b' }])), [['b']])
  assert.deepEqual(await admit(ingested(3, [{ id: 'a' }, { id: 'b' }])), [[]])
})

test('rows beyond the limit of an hour are lost, declared once, counted, and over with the hour', async () => {
  const { admission, store } = await open()
  const reasons = async (...messages: readonly IngestedMessage[]) =>
    (await admission.admit(messages, 0)).map(({ decoded }) =>
      decoded.rejections.map(({ reason }) => reason),
    )
  assert.deepEqual(await reasons(ingested(1, [{ id: 'a', rows: 10 }])), [[]])
  const begun =
    'Security events of this device are not kept in the hour from 2024-01-01T00:00Z: more than 10 ' +
    'rows in an hour. Those that are not kept are counted.'
  assert.deepEqual(await reasons(ingested(2, [{ id: 'b' }]), ingested(3, [{ id: 'c', rows: 3 }])), [
    [begun],
    [],
  ])
  const [state] = await store.findStates(['pump-1'])
  assert.deepEqual(state?.losses, [{ hour: START_MS / HOUR_MS, events: 2, rows: 4 }])
  const later = ingested(4, [{ id: 'd' }], { atMs: START_MS + HOUR_MS })
  const ended = 'In the hour from 2024-01-01T00:00Z, 2 events with 4 rows were not kept.'
  const [next] = await admission.admit([later], 0)
  assert.deepEqual(
    next?.decoded.rejections.map(({ reason }) => reason),
    [ended],
  )
  assert.equal(next?.decoded.events.length, 1)
})

test('an event is kept whole or not at all, and a smaller one after it may still fit', async () => {
  const { admission } = await open()
  const [only] = await admission.admit(
    [ingested(1, [{ id: 'a', rows: 9 }, { id: 'b', rows: 2 }, { id: 'c' }])],
    0,
  )
  assert.deepEqual(
    only?.decoded.events.map(({ header }) => header.eventId),
    ['a', 'c'],
  )
  assert.deepEqual([only?.decoded.lostEvents, only?.decoded.lostRows], [1, 2])
})

test('bytes beyond the limit of a day lose their events until the day is over', async () => {
  const { admit } = await open()
  const day = 24 * HOUR_MS
  assert.deepEqual(
    await admit(
      ingested(1, [{ id: 'a' }], { bytes: 10_000 }),
      ingested(2, [{ id: 'b' }], { bytes: 1 }),
      ingested(3, [{ id: 'c' }], { bytes: 1, atMs: START_MS + day - 1 }),
      ingested(4, [{ id: 'd' }], { bytes: 1, atMs: START_MS + day }),
    ),
    [['a'], [], [], ['d']],
  )
})

test('what an agent says about its losses passes the limits, but not without end', async () => {
  const { admit } = await open()
  const about = { eventType: 'Operational', name: 'DroppedEventsStatistics' }
  const many = OPERATIONAL_ROWS_PER_HOUR
  assert.deepEqual(
    await admit(
      ingested(1, [{ id: 'a', rows: 10 }], { bytes: 10_001 }),
      ingested(2, [{ id: 'b', ...about }]),
      ingested(3, [{ id: 'c', eventType: 'Operational', name: 'acme.Anything' }]),
      ingested(4, [{ id: 'd', ...about, rows: many - 1 }]),
      ingested(5, [{ id: 'e', ...about }]),
    ),
    [[], ['b'], [], ['d'], []],
  )
})

test('property: killed between any two steps, the same events count', async () => {
  const sends = fc.array(
    fc.record({ ids: fc.array(fc.nat({ max: 12 }), { maxLength: 5 }), device: fc.nat({ max: 2 }) }),
    { minLength: 1, maxLength: 30 },
  )
  await fc.assert(
    fc.asyncProperty(sends, fc.array(fc.nat({ max: 6 }), { maxLength: 30 }), async (list, cuts) => {
      const messages = list.map(({ ids, device }, index) =>
        ingested(
          index + 1,
          ids.map((id) => ({ id: `id-${id}` })),
          { deviceId: `pump-${device}` },
        ),
      )
      const whole = await (await open()).admit(...messages)
      const store = new MemoryIngestionStore()
      const found: string[][] = []
      let next = 0
      for (const cut of [...cuts, messages.length]) {
        // A new process, which is given again what the other stores had not stored yet.
        const from = Math.max(0, next - cut)
        const { admit } = await open(LIMITS, store)
        const through = Math.min(messages.length, next + 1 + cut)
        const admitted = await admit(...messages.slice(from, through))
        for (const [index, ids] of admitted.entries()) {
          const known = found[from + index]
          if (known !== undefined) assert.deepEqual(ids, known)
          found[from + index] = [...ids]
        }
        next = Math.max(next, through)
      }
      assert.deepEqual(found, whole)
    }),
    { numRuns: 60 },
  )
})

test('messages around the full hour that come in another order get the limit of one hour once', async () => {
  const { admit, store } = await open()
  const before = { atMs: START_MS + HOUR_MS - 1 }
  const after = { atMs: START_MS + HOUR_MS }
  assert.deepEqual(
    await admit(
      ingested(1, [{ id: 'a', rows: 10 }], after),
      ingested(2, [{ id: 'b' }], before),
      ingested(3, [{ id: 'c', rows: 10 }], after),
      ingested(4, [{ id: 'd' }], before),
    ),
    [['a'], [], [], []],
  )
  const [state] = await store.findStates(['pump-1'])
  assert.deepEqual(state?.losses, [{ hour: START_MS / HOUR_MS + 1, events: 3, rows: 12 }])
  const day = 24 * HOUR_MS
  const midnight = await open()
  assert.deepEqual(
    await midnight.admit(
      ingested(1, [{ id: 'a' }], { bytes: 10_000, atMs: START_MS + day }),
      ingested(2, [{ id: 'b' }], { bytes: 1, atMs: START_MS + day - 1 }),
      ingested(3, [{ id: 'c' }], { bytes: 1, atMs: START_MS + day }),
    ),
    [['a'], [], []],
  )
})

test('a clock that was far ahead and is set right costs a device nothing', async () => {
  const { admit } = await open()
  const ahead = { atMs: START_MS + 1_000 * HOUR_MS }
  assert.deepEqual(
    await admit(ingested(1, [{ id: 'a', rows: 10 }], ahead), ingested(2, [{ id: 'b', rows: 10 }])),
    [['a'], ['b']],
  )
})

test('a verdict is of the same events when others of the message are refused meanwhile', async () => {
  const { admission, admit, store } = await open()
  await admit(ingested(1, [{ id: 'b' }]))
  const message = ingested(2, [{ id: 'a' }, { id: 'b' }, { id: 'c' }])
  await admission.admit([message], 0)
  // A schema that somebody has changed since refuses the first one.
  const [, ...events] = message.decoded.events
  const later = {
    message: message.message,
    decoded: { ...message.decoded, events, places: [1, 2] },
  }
  const again = await open(LIMITS, store)
  assert.deepEqual(await again.admit(later), [['c']])
})

test('a commit that happened although it failed is not decided a second time', async () => {
  class Unsure extends MemoryIngestionStore {
    isUnsure = false
    override async commit(batch: IngestionBatch) {
      await super.commit(batch)
      if (this.isUnsure) throw new Error('no answer')
    }
  }
  const store = new Unsure()
  const { admit } = await open(LIMITS, store)
  store.isUnsure = true
  await assert.rejects(admit(ingested(1, [{ id: 'a' }])))
  store.isUnsure = false
  assert.deepEqual(await admit(ingested(1, [{ id: 'a' }])), [['a']])
})

test('a device that was removed begins anew', async () => {
  const { admit, admission, store } = await open()
  await admit(ingested(1, [{ id: 'a' }]))
  await admission.remove('pump-1')
  assert.deepEqual(await store.findStates(['pump-1']), [])
  assert.deepEqual(await admit(ingested(2, [{ id: 'a' }])), [['a']])
})
