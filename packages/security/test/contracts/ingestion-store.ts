import assert from 'node:assert/strict'
import { test } from 'node:test'
import type {
  FingerprintChunk,
  IngestionBatch,
  IngestionStore,
  Verdict,
} from '../../src/ingestion/ingestion-store.ts'
import { newIntakeState } from '../../src/ingestion/quota.ts'

const pump = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
const own = { deviceId: 'pump-1' }

/** What every IngestionStore must do. Each adapter calls this with a way to open an empty one. */
export function ingestionStoreContract(open: () => Promise<IngestionStore>): void {
  test('commit: everything comes back exactly as it was stored', async () => {
    const store = await open()
    assert.equal(await store.cursor(), 0)
    const state = { ...newIntakeState('pump-1'), dayBytes: 7, unknownPayloads: { 9: 2 } }
    const given = verdict(5, { repeated: [0, 3], declarations: ['a "quoted" ünicode reason'] })
    await store.commit(
      batch(5, { states: [state], chunks: [chunk(1), chunk(1, { ref: own })], verdicts: [given] }),
    )
    assert.equal(await store.cursor(), 5)
    assert.deepEqual(await store.findStates(['nobody', 'pump-1']), [state])
    assert.deepEqual(plain(await store.findChunks(['pump-1', 'nobody'])), [
      ...plain([chunk(1, { ref: own }), chunk(1)]),
    ])
    assert.deepEqual(await store.findVerdicts(4, 5), [given])
  })

  test('commit: a state and a chunk replace what was there; chunks below a number go', async () => {
    const store = await open()
    const states = [newIntakeState('pump-1')]
    await store.commit(batch(1, { states, chunks: [chunk(1), chunk(2), chunk(3, { ref: own })] }))
    const more = Uint8Array.of(1, 2, 3, 4)
    await store.commit(
      batch(2, {
        states: [{ ...newIntakeState('pump-1'), events: 4 }],
        chunks: [chunk(2, { bytes: more }), chunk(3)],
        forgotten: [{ ref: pump, below: 2 }],
      }),
    )
    assert.equal((await store.findStates(['pump-1']))[0]?.events, 4)
    const kept = await store.findChunks(['pump-1'])
    assert.deepEqual(plain(kept.filter(({ ref }) => ref.moduleId !== undefined)), [
      ...plain([chunk(2, { bytes: more }), chunk(3)]),
    ])
    assert.equal(kept.length, 3, 'the other sender keeps its own')
  })

  test('verdicts: in order, in the range that is asked for, until they are released', async () => {
    const store = await open()
    const verdicts = [12, 3, 7].map((sequence) => verdict(sequence, { excess: [1] }))
    await store.commit(batch(12, { verdicts }))
    const sequences = async (after: number, through: number) =>
      (await store.findVerdicts(after, through)).map(({ sequence }) => sequence)
    assert.deepEqual(await sequences(0, 100), [3, 7, 12])
    assert.deepEqual(await sequences(3, 7), [7])
    await store.commit(batch(13, { released: 7 }))
    assert.deepEqual(await sequences(0, 100), [12])
  })

  test('the cursor never goes back', async () => {
    const store = await open()
    await store.commit(batch(9))
    await store.commit(batch(4))
    assert.equal(await store.cursor(), 9)
  })

  test('expireFingerprints: only those that came before the time', async () => {
    const store = await open()
    const chunks = [chunk(1, { lastMs: 100 }), chunk(2, { lastMs: 200 })]
    await store.commit(batch(1, { chunks }))
    assert.equal(await store.expireFingerprints(200), 1)
    assert.deepEqual(
      (await store.findChunks(['pump-1'])).map(({ number }) => number),
      [2],
    )
  })

  test('removeDevice: nothing of it is left, and the others keep theirs', async () => {
    const store = await open()
    const other = { deviceId: 'pump-10', moduleId: 'azureiotsecurity' }
    await store.commit(
      batch(3, {
        states: [newIntakeState('pump-1'), newIntakeState('pump-10')],
        chunks: [chunk(1), chunk(1, { ref: own }), chunk(1, { ref: other })],
      }),
    )
    await store.removeDevice('pump-1')
    assert.deepEqual(await store.findStates(['pump-1']), [])
    assert.deepEqual(await store.findChunks(['pump-1']), [])
    assert.equal((await store.findChunks(['pump-10'])).length, 1)
    assert.equal((await store.findStates(['pump-10'])).length, 1)
    assert.equal(await store.cursor(), 3)
  })
}

function batch(cursor: number, changes: Partial<IngestionBatch> = {}): IngestionBatch {
  return { cursor, states: [], chunks: [], forgotten: [], verdicts: [], released: 0, ...changes }
}

function chunk(number: number, changes: Partial<FingerprintChunk> = {}): FingerprintChunk {
  return { ref: pump, number, lastMs: 50, bytes: Uint8Array.of(number, 0, 255), ...changes }
}

function verdict(sequence: number, changes: Partial<Verdict>): Verdict {
  return { sequence, repeated: [], reused: [], excess: [], declarations: [], ...changes }
}

/** Stores may hand out any kind of byte array. */
function plain(chunks: readonly FingerprintChunk[]) {
  return chunks
    .map(({ ref, number, lastMs, bytes }) => ({ ref, number, lastMs, bytes: [...bytes] }))
    .sort(
      (a, b) =>
        a.number - b.number || (a.ref.moduleId ?? '').length - (b.ref.moduleId ?? '').length,
    )
}
