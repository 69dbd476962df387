import { refKey } from '@twinward/protocol'
import type {
  FingerprintChunk,
  IngestionBatch,
  IngestionStore,
  IntakeState,
  Verdict,
} from '../../ingestion/ingestion-store.ts'

/** What came in, until the process ends. */
export class MemoryIngestionStore implements IngestionStore {
  #cursor = 0
  /** As JSON texts, so that nobody shares an object with us. */
  readonly #states = new Map<string, string>()
  readonly #verdicts = new Map<number, string>()
  readonly #chunks = new Map<string, FingerprintChunk>()

  async cursor(): Promise<number> {
    return this.#cursor
  }

  async commit(batch: IngestionBatch): Promise<void> {
    for (const state of batch.states) this.#states.set(state.deviceId, JSON.stringify(state))
    for (const { ref, below } of batch.forgotten) {
      this.#forget((chunk) => refKey(chunk.ref) === refKey(ref) && chunk.number < below)
    }
    for (const chunk of batch.chunks) {
      const bytes = chunk.bytes.slice()
      this.#chunks.set(`${refKey(chunk.ref)} ${chunk.number}`, { ...chunk, bytes })
    }
    for (const sequence of this.#verdicts.keys()) {
      if (sequence <= batch.released) this.#verdicts.delete(sequence)
    }
    for (const verdict of batch.verdicts) {
      this.#verdicts.set(verdict.sequence, JSON.stringify(verdict))
    }
    if (batch.cursor > this.#cursor) this.#cursor = batch.cursor
  }

  async findStates(deviceIds: readonly string[]): Promise<readonly IntakeState[]> {
    return deviceIds.flatMap((id) => {
      const text = this.#states.get(id)
      return text === undefined ? [] : [JSON.parse(text) as IntakeState]
    })
  }

  async findChunks(deviceIds: readonly string[]): Promise<readonly FingerprintChunk[]> {
    const asked = new Set(deviceIds)
    return [...this.#chunks.values()]
      .filter(({ ref }) => asked.has(ref.deviceId))
      .sort((a, b) => a.number - b.number)
  }

  async findVerdicts(after: number, through: number): Promise<readonly Verdict[]> {
    return [...this.#verdicts]
      .filter(([sequence]) => sequence > after && sequence <= through)
      .sort(([a], [b]) => a - b)
      .map(([, text]) => JSON.parse(text) as Verdict)
  }

  async expireFingerprints(beforeMs: number): Promise<number> {
    return this.#forget(({ lastMs }) => lastMs < beforeMs)
  }

  async removeDevice(deviceId: string): Promise<void> {
    this.#states.delete(deviceId)
    this.#forget(({ ref }) => ref.deviceId === deviceId)
  }

  #forget(isOver: (chunk: FingerprintChunk) => boolean): number {
    const before = this.#chunks.size
    for (const [key, chunk] of this.#chunks) if (isOver(chunk)) this.#chunks.delete(key)
    return before - this.#chunks.size
  }
}
