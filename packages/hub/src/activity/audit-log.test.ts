import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import { TestClock } from '../../test/clock.ts'
import { MemoryAudit } from '../adapters/memory/audit.ts'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { silentLog } from '../log.ts'
import type { AuditEntry } from './audit-event.ts'
import { AuditLog, MAX_REPEAT_WINDOWS, REPEAT_WINDOW_MS, SWEEP_INTERVAL_MS } from './audit-log.ts'

function open() {
  const clock = new TestClock()
  const store = new MemoryAudit()
  const bus = new InProcessBus(silentLog)
  return { clock, store, audit: new AuditLog({ store, bus, clock, log: silentLog }) }
}

const refusal = (deviceId: string, reason = 'sasExpired'): AuditEntry => ({
  ...{ kind: 'auth.failure', outcome: 'failure', reason, ref: { deviceId }, address: '192.0.2.1' },
})

test('around: stands there before the caller is answered, success or refusal, but no bug', async () => {
  const { store, audit } = open()
  const entry = { kind: 'ca.add', subject: 'plant', principal: 'iothubowner' } as const
  assert.equal(await audit.around(entry, async () => 7), 7)
  const refused = audit.around(entry, async () => {
    throw new HubError('PreconditionFailed', 'There is one.')
  })
  await assert.rejects(refused, { code: 'PreconditionFailed' })
  const bug = audit.around(entry, async () => {
    throw new Error('a bug')
  })
  await assert.rejects(bug, /a bug/)
  const told = (await store.read(0, 9)).map(({ outcome, reason }) => [outcome, reason])
  assert.deepEqual(told, [
    ['success', undefined],
    ['failure', 'PreconditionFailed'],
  ])
})

test('note: the first at once, its repeats as one event a minute, nothing lost at the end', async () => {
  const { clock, store, audit } = open()
  const close = audit.start()
  const startMs = clock.now()
  for (let n = 0; n < 100; n++) {
    audit.note(refusal('pump-1'))
    clock.advance(1000)
  }
  audit.note(refusal('pump-2'))
  audit.note(refusal('pump-1', 'thumbprint'))
  await close()
  const events = await store.read(0, 100)
  const of = (deviceId: string, reason: string) =>
    events.filter((event) => event.ref?.deviceId === deviceId && event.reason === reason)
  const repeats = of('pump-1', 'sasExpired')
  assert.equal(repeats.length, 3, 'one at once, one after a minute, one at the end')
  assert.equal(
    repeats.reduce((sum, { count }) => sum + count, 0),
    100,
  )
  assert.equal(repeats[0]?.firstMs, startMs)
  assert.equal(repeats.at(-1)?.lastMs, startMs + 99_000)
  assert.equal(of('pump-2', 'sasExpired').length, 1)
  assert.equal(of('pump-1', 'thumbprint').length, 1)
})

test('note: of more devices than are kept apart the rest is counted without names', async () => {
  const { clock, store, audit } = open()
  const close = audit.start()
  for (let n = 0; n < MAX_REPEAT_WINDOWS + 50; n++) audit.note(refusal(`pump-${n}`))
  clock.advance(REPEAT_WINDOW_MS + SWEEP_INTERVAL_MS)
  await close()
  const events = await store.read(0, 2 * MAX_REPEAT_WINDOWS)
  const unnamed = events.filter(({ ref }) => ref === undefined)
  assert.equal(events.length, MAX_REPEAT_WINDOWS + 2)
  assert.deepEqual(
    unnamed.map(({ count, detail }) => [count, detail]),
    [
      [1, 'of many devices'],
      [49, 'of many devices'],
    ],
  )
})

test('texts of strangers are cut', async () => {
  const { store, audit } = open()
  await audit.record({ kind: 'ca.add', outcome: 'failure', subject: 'x'.repeat(100_000) })
  assert.equal((await store.read(0, 1))[0]?.subject?.length, 256)
})
