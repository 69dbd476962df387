import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditStore, NewAuditEvent } from '../../src/activity/audit-store.ts'

const EVERYTHING = { maxNoted: 1000, maxRecorded: 1000, beforeMs: 0 }

export function auditEvent(of: Partial<NewAuditEvent> = {}): NewAuditEvent {
  const { lastMs = 1000 } = of
  return { kind: 'ca.add', outcome: 'success', firstMs: lastMs, lastMs, count: 1, ...of }
}

/** What every AuditStore must do. Each adapter's test calls this with a way to open an empty one. */
export function auditStoreContract(open: () => Promise<AuditStore>): void {
  test('read: events come back whole, in the order they were added, after a place', async () => {
    const store = await open()
    assert.deepEqual(await store.read(0, 10), [])
    const first = auditEvent({ subject: 'plant', principal: 'iothubowner', address: '::1' })
    const second = auditEvent({
      ...{ kind: 'auth.failure', outcome: 'failure', reason: 'thumbprint', isConnected: true },
      ...{ ref: { deviceId: 'pump-1', moduleId: 'agent' }, count: 7, detail: 'ä' },
    })
    await store.append([first, second])
    await store.append([auditEvent({ subject: 'third' })])
    const events = await store.read(0, 10)
    assert.deepEqual(
      events.map(({ sequence: _, ...event }) => event),
      [first, second, auditEvent({ subject: 'third' })],
    )
    const [one, two, three] = events.map(({ sequence }) => sequence)
    assert.ok(one !== undefined && two !== undefined && three !== undefined)
    assert.ok(0 < one && one < two && two < three)
    assert.deepEqual(
      (await store.read(one, 1)).map(({ sequence }) => sequence),
      [two],
    )
  })

  test('list: newest first, by kind and device, page by page', async () => {
    const store = await open()
    const ref = { deviceId: 'pump-1' }
    await store.append([
      auditEvent({ subject: 'a' }),
      auditEvent({ subject: 'b', kind: 'module.create', ref }),
      auditEvent({ subject: 'c', kind: 'auth.failure', ref: { deviceId: 'pump-10' } }),
      auditEvent({ subject: 'd', kind: 'auth.failure', ref: { ...ref, moduleId: 'agent' } }),
    ])
    const listed = async (filter: Omit<Parameters<AuditStore['list']>[0], 'limit'>) =>
      (await store.list({ ...filter, limit: 3 })).map(({ subject }) => subject)
    assert.deepEqual(await listed({}), ['d', 'c', 'b'])
    assert.deepEqual(await listed({ kind: 'auth.failure' }), ['d', 'c'])
    assert.deepEqual(await listed({ deviceId: 'pump-1' }), ['d', 'b'])
    assert.deepEqual(await listed({ deviceId: 'pump-1', kind: 'module.create' }), ['b'])
    const before = (await store.list({ limit: 3 })).at(-1)?.sequence ?? 0
    assert.deepEqual(await listed({ before }), ['a'])
  })

  test('trim: what strangers cause pushes nothing else out, and old events go', async () => {
    const store = await open()
    const noise = Array.from({ length: 20 }, (_, n) =>
      auditEvent({ kind: 'auth.failure', lastMs: 2000 + n, subject: `noise ${n}` }),
    )
    await store.append([auditEvent({ lastMs: 500, subject: 'old' }), auditEvent({ lastMs: 1000 })])
    await store.append(noise)
    await store.trim(EVERYTHING)
    assert.equal((await store.read(0, 100)).length, 22)
    await store.trim({ ...EVERYTHING, maxNoted: 3, beforeMs: 1000 })
    const kept = (await store.read(0, 100)).map(({ lastMs }) => lastMs)
    assert.deepEqual(kept, [1000, 2017, 2018, 2019])
    await store.trim({ ...EVERYTHING, maxRecorded: 0 })
    assert.equal((await store.read(0, 100)).length, 3)
  })

  test('append: a sequence is never given twice, though the newest event is gone', async () => {
    const store = await open()
    await store.append([auditEvent()])
    const [first] = await store.read(0, 1)
    await store.trim({ ...EVERYTHING, maxRecorded: 0 })
    await store.append([auditEvent()])
    const [second] = await store.read(0, 1)
    assert.ok(first && second && second.sequence > first.sequence)
  })
}
