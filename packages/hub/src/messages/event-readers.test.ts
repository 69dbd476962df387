import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HubError } from '@twinward/protocol'
import { TestClock } from '../../test/clock.ts'
import { message } from '../../test/contracts/event-log.ts'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { MemoryConsumerGroups } from '../adapters/memory/consumer-groups.ts'
import { MemoryEventLog } from '../adapters/memory/event-log.ts'
import { silentLog } from '../log.ts'
import { ConsumerGroups } from './consumer-groups.ts'
import type { StreamName } from './event-log.ts'
import type { EventReader } from './event-reader.ts'
import { EventReaders, READER_POLL_MS, type ReaderRequest } from './event-readers.ts'

/** The log in memory, which counts what it is asked. */
class CountingLog extends MemoryEventLog {
  reads = 0
  heads = 0

  override read(...args: Parameters<MemoryEventLog['read']>) {
    this.reads++
    return super.read(...args)
  }

  override head(...args: Parameters<MemoryEventLog['head']>) {
    this.heads++
    return super.head(...args)
  }
}

function bench() {
  const clock = new TestClock()
  const bus = new InProcessBus(silentLog)
  const log = new CountingLog()
  const groups = new ConsumerGroups(new MemoryConsumerGroups(), clock)
  const events = new EventReaders({ eventLog: log, groups, bus, clock }, silentLog)
  return {
    ...{ clock, bus, log, groups, events },
    async store(count: number, partition = 0, stream: StreamName = 'telemetry') {
      for (let n = 0; n < count; n++) {
        await log.append(stream, partition, message({ enqueuedTimeMs: clock.now() }))
        clock.advance(1)
      }
    },
    async open(more: Partial<ReaderRequest> = {}) {
      const seen = { woken: 0, ended: [] as HubError[] }
      const request: ReaderRequest = {
        ...{ group: '$Default', partition: '0', start: { kind: 'earliest' }, name: 'r' },
        ...more,
      }
      const reader = await events.open(request, {
        wake: () => seen.woken++,
        ended: (reason) => seen.ended.push(reason),
      })
      return { reader, seen }
    },
  }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Reads until nothing is left, as a gateway does. */
async function readAll(reader: EventReader, limit = 10): Promise<readonly number[]> {
  const sequences: number[] = []
  for (;;) {
    const records = await reader.read(limit)
    if (records.length === 0) return sequences
    for (const { sequence } of records) sequences.push(sequence)
    reader.passed(sequences.at(-1) ?? 0)
  }
}

test('read: every record once and in order, from each start', async () => {
  const b = bench()
  const startMs = b.clock.now()
  await b.store(5)
  for (const [start, expected] of [
    [{ kind: 'earliest' }, [1, 2, 3, 4, 5]],
    [{ kind: 'latest' }, []],
    [{ kind: 'sequence', sequence: 3, isInclusive: false }, [4, 5]],
    [{ kind: 'sequence', sequence: 3, isInclusive: true }, [3, 4, 5]],
    [{ kind: 'sequence', sequence: 0, isInclusive: true }, [1, 2, 3, 4, 5]],
    [{ kind: 'sequence', sequence: 5, isInclusive: false }, []],
    [{ kind: 'sequence', sequence: 6, isInclusive: true }, []],
    [{ kind: 'time', timeMs: startMs + 2, isInclusive: true }, [3, 4, 5]],
    [{ kind: 'time', timeMs: startMs + 2, isInclusive: false }, [4, 5]],
    [{ kind: 'time', timeMs: startMs - 9, isInclusive: false }, [1, 2, 3, 4, 5]],
    [{ kind: 'time', timeMs: startMs + 99, isInclusive: false }, []],
  ] as const) {
    const { reader } = await b.open({ start })
    assert.deepEqual(await readAll(reader, 2), expected, JSON.stringify(start))
  }
})

test('open: a number that was never given out is refused, since events would be missed', async () => {
  const b = bench()
  await b.store(5)
  const start = { kind: 'sequence', sequence: 6, isInclusive: false } as const
  await assert.rejects(b.open({ start }), { code: 'ArgumentInvalid', message: /'6'.*'5'/ })
  assert.equal(b.events.count, 0)
})

test('open: unknown groups and partitions are refused', async () => {
  const b = bench()
  await assert.rejects(b.open({ group: 'nobodys' }), { code: 'GenericNotFound' })
  for (const partition of ['4', '-1', '00', '', 'x']) {
    await assert.rejects(b.open({ partition }), { code: 'ArgumentInvalid' })
  }
})

test('read: what was not passed is read again', async () => {
  const b = bench()
  await b.store(3)
  const { reader } = await b.open()
  assert.equal((await reader.read(10)).length, 3)
  reader.passed(1)
  assert.deepEqual(await readAll(reader), [2, 3])
})

test('read: goes on behind what has expired, without asking the store again and again', async () => {
  const b = bench()
  await b.store(3)
  const { reader } = await b.open()
  await b.log.trim('telemetry', 0, 3)
  assert.deepEqual(await reader.read(10), [])
  const { reads } = b.log
  assert.deepEqual(await reader.read(10), [])
  assert.equal(b.log.reads, reads)
  await b.store(1)
  assert.deepEqual(await readAll(reader), [4])
})

test('wake: a notice wakes who waits in its partition, and costs others nothing', async () => {
  const b = bench()
  const here = await b.open()
  const there = await b.open({ partition: '1' })
  await Promise.all([here.reader.read(1), there.reader.read(1)])
  await b.store(1)
  b.bus.publish({ kind: 'messages-stored', stream: 'telemetry' })
  await settled()
  assert.deepEqual([here.seen.woken, there.seen.woken], [1, 0])
  assert.deepEqual(await readAll(here.reader), [1])
})

test('wake: a notice that was lost is made up for', async () => {
  const b = bench()
  const { reader, seen } = await b.open()
  await reader.read(1)
  await b.store(1)
  assert.equal(seen.woken, 0)
  b.clock.advance(READER_POLL_MS)
  await settled()
  assert.equal(seen.woken, 1)
})

test('wake: thousands that wait cost a look at the partitions, however often notices come', async () => {
  const b = bench()
  for (let n = 0; n < 20; n++) await b.groups.put(`group-${n}`)
  const readers = await Promise.all(
    Array.from({ length: 2000 }, (_, n) =>
      b.open({ group: `group-${n % 20}`, partition: String(Math.floor(n / 20) % 4) }),
    ),
  )
  await Promise.all(readers.map(({ reader }) => reader.read(100)))
  const before = { ...{ reads: b.log.reads, heads: b.log.heads } }
  for (let n = 0; n < 1000; n++) {
    b.bus.publish({ kind: 'messages-stored', stream: 'telemetry' })
  }
  b.clock.advance(READER_POLL_MS)
  await settled()
  assert.equal(b.log.reads, before.reads)
  assert.ok(b.log.heads - before.heads <= 3 * 4, `${b.log.heads - before.heads} looks`)
})

test('read: readers in the same place share one page', async () => {
  const b = bench()
  await b.store(50)
  const readers = await Promise.all(Array.from({ length: 20 }, () => b.open()))
  const { reads } = b.log
  const pages = await Promise.all(readers.map(({ reader }) => reader.read(20)))
  assert.ok(pages.every((page) => page.length === 20))
  assert.equal(b.log.reads - reads, 1)
})

test('read: what is stored while others read is not missed by who joins them', async () => {
  const b = bench()
  await b.store(1)
  await b.log.trim('telemetry', 0, 1)
  const [first, second] = await Promise.all([b.open(), b.open()])
  const early = first.reader.read(10)
  const stored = b.store(1)
  const late = second.reader.read(10)
  await stored
  const found = [...(await early), ...(await first.reader.read(10))]
  assert.deepEqual([...new Set(found.map(({ sequence }) => sequence))], [2])
  const others = [...(await late), ...(await second.reader.read(10))]
  assert.deepEqual([...new Set(others.map(({ sequence }) => sequence))], [2])
})

test('open: a higher epoch ends the reader there, which reads nothing more', async () => {
  const b = bench()
  await b.store(1)
  const low = await b.open({ epoch: 1n })
  const high = await b.open({ epoch: 2n, group: '$DEFAULT' })
  assert.equal(low.seen.ended[0]?.code, 'LinkCreationConflict')
  assert.deepEqual(await low.reader.read(1), [])
  assert.equal((await high.reader.read(1)).length, 1)
  await assert.rejects(b.open({ epoch: 1n }), { code: 'LinkCreationConflict' })
  await assert.rejects(b.open(), { code: 'LinkCreationConflict' })
  await b.open({ epoch: 1n, partition: '1' })
  assert.equal(b.events.count, 2)
  high.reader.close()
  high.reader.close()
  await b.open()
  assert.equal(b.events.count, 2)
})

test('removeGroup: ends the readers of the group alone', async () => {
  const b = bench()
  await b.groups.put('Plant')
  const own = await b.open({ group: 'plant', partition: '3' })
  const other = await b.open({ partition: '3' })
  await b.events.removeGroup('PLANT')
  assert.equal(own.seen.ended[0]?.code, 'GenericNotFound')
  assert.deepEqual(other.seen.ended, [])
  assert.equal(b.events.count, 1)
})

test('removeGroup: nobody who opens meanwhile stays', async () => {
  for (let turns = 0; turns < 20; turns++) {
    const b = bench()
    await b.groups.put('plant')
    const opening = b.open({ group: 'plant' })
    for (let turn = 0; turn < turns; turn++) await undefined
    await b.events.removeGroup('plant')
    const [outcome] = await Promise.allSettled([opening])
    const ended = outcome.status === 'rejected' ? [outcome.reason] : outcome.value.seen.ended
    assert.equal(ended[0]?.code, 'GenericNotFound', `after ${turns} turns`)
    assert.equal(b.events.count, 0)
  }
})

test('$security: reads security messages on partition 0, and nobody else does', async () => {
  const b = bench()
  await b.store(2, 0, 'security')
  const { reader } = await b.open({ group: '$Security' })
  assert.deepEqual(await readAll(reader), [1, 2])
  for (const partition of ['1', '2', '3']) {
    const empty = await b.open({ group: '$security', partition })
    assert.deepEqual(await readAll(empty.reader), [])
  }
  const telemetry = await b.open()
  assert.deepEqual(await readAll(telemetry.reader), [])
})

test('wake: whatever moment of a look a notice comes in, nobody waits for the next poll', async () => {
  const b = bench()
  const { reader, seen } = await b.open()
  const tell = () => b.bus.publish({ kind: 'messages-stored', stream: 'telemetry' })
  for (let turns = 0; turns < 20; turns++) {
    await readAll(reader)
    const { woken } = seen
    tell()
    for (let turn = 0; turn < turns; turn++) await undefined
    await b.log.append('telemetry', 0, message({}))
    tell()
    await settled()
    assert.equal(seen.woken, woken + 1, `after ${turns} turns`)
  }
})
