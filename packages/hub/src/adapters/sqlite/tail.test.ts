import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { message } from '../../../test/contracts/event-log.ts'
import type { LogRecord, StampedMessage } from '../../messages/event-log.ts'
import { MemoryEventLog } from '../memory/event-log.ts'
import { SqliteEventLog } from './event-log.ts'
import { Tail } from './tail.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-tail-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

function open(): Promise<SqliteEventLog> {
  const file = join(folder, `${++files}.db`)
  return SqliteEventLog.open({ file, onFailure: (error) => assert.fail(error) })
}

test('a tail has what came since it began, and says what it does not have', () => {
  const tail = new Tail(10)
  assert.ok(!tail.covers(9))
  assert.deepEqual(tail.read(10, 5), [])
  for (const sequence of [11, 12, 13]) assert.ok(tail.push(sequence, message()))
  assert.deepEqual(
    tail.read(11, 5).map((record) => record.sequence),
    [12, 13],
  )
  assert.deepEqual(
    tail.read(10, 1).map((record) => record.sequence),
    [11],
  )
})

test('a tail keeps the newest within its bytes, and is given up once nobody keeps up', () => {
  const body = new Uint8Array(1_200_000)
  const tail = new Tail(0)
  for (const sequence of [1, 2, 3]) assert.ok(tail.push(sequence, message({ body })))
  tail.read(0, 1)
  assert.ok(tail.push(4, message({ body })), 'what it let go of was read')
  assert.ok(!tail.covers(0) && tail.covers(1))
  assert.ok(!tail.push(5, message({ body })), 'nobody has read the second')
})

test('a tail does not keep the buffer that a body is a part of', () => {
  const tail = new Tail(0)
  tail.push(1, message({ body: Buffer.alloc(1_000_000).subarray(0, 10_000) }))
  const [record] = tail.read(0, 1)
  assert.equal(record?.message.body.buffer.byteLength, 10_000)
})

test('read: whoever keeps up, falls behind or comes late reads what a naive log holds', async () => {
  const command = fc.oneof(
    { weight: 6, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 60 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({ read: fc.nat({ max: 2 }), limit: fc.constantFrom(1, 7, 100) }),
    },
    { weight: 1, arbitrary: fc.record({ trim: fc.nat({ max: 400 }) }) },
    { weight: 1, arbitrary: fc.record({ large: fc.integer({ min: 1, max: 6 }) }) },
  )
  const run = async (
    commands: readonly (typeof command extends fc.Arbitrary<infer T> ? T : never)[],
  ) => {
    const log = await open()
    const naive = new MemoryEventLog()
    const places = [0, 0, 0]
    const appended: Promise<number>[] = []
    const append = (part: StampedMessage) => {
      appended.push(log.append('telemetry', 0, part))
      appended.push(naive.append('telemetry', 0, part))
    }
    for (const one of commands) {
      if ('append' in one) {
        for (let n = 0; n < one.append; n++) append(message({ text: `${appended.length}` }))
      } else if ('large' in one) {
        for (let n = 0; n < one.large; n++)
          append(message({ body: new Uint8Array(250_000).fill(n) }))
      } else if ('trim' in one) {
        await Promise.all([
          log.trim('telemetry', 0, one.trim),
          naive.trim('telemetry', 0, one.trim),
        ])
      } else {
        const after = places[one.read] ?? 0
        const [found, wanted] = await Promise.all([
          log.read('telemetry', 0, after, one.limit),
          naive.read('telemetry', 0, after, one.limit),
        ])
        // Where a page ends for its bytes is not promised.
        const same = wanted.slice(0, found.length)
        assert.ok(found.length > 0 || wanted.length === 0)
        assert.deepEqual(found.map(plainOf), same.map(plainOf))
        places[one.read] = found.at(-1)?.sequence ?? after
      }
    }
    await Promise.all(appended)
    await log.close()
  }
  await fc.assert(fc.asyncProperty(fc.array(command, { maxLength: 40 }), run), { numRuns: 25 })
})

function plainOf({ sequence, message: { body, ...rest } }: LogRecord) {
  return { sequence, ...rest, text: Buffer.from(body).toString('latin1') }
}
