import type { Clock } from '../clock.ts'
import type { FindingStore } from '../data/finding-store.ts'
import type { Log } from '../log.ts'
import type { SecurityMessage, TwinPlatform } from '../platform.ts'
import type { Admission } from './admission.ts'
import type { DecodedMessage } from './decode.ts'
import type { EventRecorder } from './recorder.ts'

/** Most messages that are decoded and evaluated in one step. */
export const BATCH_MESSAGES = 64
/** How long a failing step is left alone before it is tried again. */
export const RETRY_PAUSE_MS = 2_000
/** How often the platform is told what it may forget, at most. */
export const RELEASE_INTERVAL_MS = 5_000

/** A message after decoding, with what its evaluation needs to know of it. */
export interface IngestedMessage {
  readonly message: SecurityMessage
  readonly decoded: DecodedMessage
}

/** Turns messages into findings and commits them together with the cursor. */
export interface Evaluator {
  /** @param cursor  the sequence of the last of the messages */
  evaluate(messages: readonly IngestedMessage[], cursor: number): Promise<void>
}

interface Parts {
  readonly platform: TwinPlatform
  readonly admission: Pick<Admission, 'start' | 'admit'>
  readonly recorder: EventRecorder
  readonly findings: FindingStore
  readonly evaluator: Evaluator
  readonly decode: (message: SecurityMessage) => DecodedMessage
}

/**
 * Takes security messages from the platform, in order. First it is decided which of their events
 * count, and the decision stored; then findings go to the finding store and raw events to the
 * recorder. Each of the three keeps a cursor of its own, so a crash anywhere replays a message only to
 * those that had not stored it yet, and with the same events.
 */
export class Pipeline {
  readonly #parts: Parts
  readonly #clock: Clock
  readonly #log: Log
  readonly #stopping = new AbortController()
  #wake: (() => void) | undefined
  #hasMore = true
  #loop: Promise<void> | undefined
  #unsubscribe = () => {}
  #evaluatedThrough = 0
  #recordedThrough = 0
  #releasedThrough = 0
  #releasedMs = 0
  #failure: string | undefined

  constructor(parts: Parts, clock: Clock, log: Log) {
    this.#parts = parts
    this.#clock = clock
    this.#log = log
  }

  /** Why messages are not taken at the moment; `undefined` when all is well. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** The sequence up to which messages are evaluated. */
  get evaluatedThrough(): number {
    return this.#evaluatedThrough
  }

  async start(): Promise<void> {
    const [evaluated, recorded] = await Promise.all([
      this.#parts.findings.cursor(),
      this.#parts.recorder.cursor(),
      this.#parts.admission.start(),
    ])
    this.#evaluatedThrough = evaluated
    this.#recordedThrough = recorded
    this.#unsubscribe = this.#parts.platform.subscribe((notice) => {
      if (notice.kind === 'messages') this.#more()
    })
    // Notices are hints and may be lost, so the stream is looked at now and then anyway.
    const stopPolling = this.#clock.every(RELEASE_INTERVAL_MS, () => this.#more())
    this.#stopping.signal.addEventListener('abort', stopPolling, { once: true })
    this.#loop = this.#run()
  }

  /** Ends after the step under way, and stores what was decoded. */
  async stop(): Promise<void> {
    this.#unsubscribe()
    this.#stopping.abort()
    this.#more()
    // Also ends a step that waits for room in a recorder whose store fails.
    await Promise.all([this.#loop, this.#parts.recorder.close()])
  }

  #more(): void {
    this.#hasMore = true
    this.#wake?.()
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        if (!(await this.#step())) await this.#untilMore()
        this.#failure = undefined
      } catch (error) {
        if (this.#failure === undefined) {
          this.#log.error({ err: error }, 'security messages are not processed; trying again')
        }
        this.#failure = 'security messages are not processed'
        await this.#clock.sleep(RETRY_PAUSE_MS, this.#stopping.signal).catch(() => {})
      }
    }
  }

  async #untilMore(): Promise<void> {
    if (this.#hasMore || this.#stopping.signal.aborted) return
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }

  /** @returns whether there was anything to do */
  async #step(): Promise<boolean> {
    this.#hasMore = false
    const after = Math.min(this.#evaluatedThrough, this.#recordedThrough)
    const messages = await this.#parts.platform.readMessages(after, BATCH_MESSAGES)
    const last = messages.at(-1)
    if (last !== undefined) await this.#process(messages, last.sequence)
    await this.#release()
    return last !== undefined
  }

  async #process(messages: readonly SecurityMessage[], last: number): Promise<void> {
    const { admission, decode, evaluator, recorder } = this.#parts
    const ingested = await admission.admit(
      messages.map((message) => ({ message, decoded: decode(message) })),
      this.#releasedThrough,
    )
    const unseen = ingested.filter(({ message }) => message.sequence > this.#evaluatedThrough)
    if (unseen.length > 0) {
      await evaluator.evaluate(unseen, last)
      this.#evaluatedThrough = last
    }
    const fresh = ingested.filter(({ message }) => message.sequence > this.#recordedThrough)
    if (fresh.length > 0) {
      await recorder.add(
        fresh.flatMap(({ decoded }) => decoded.events),
        last,
      )
      this.#recordedThrough = last
    }
  }

  /** The platform may forget what both stores hold durably. */
  async #release(): Promise<void> {
    const nowMs = this.#clock.now()
    if (nowMs - this.#releasedMs < RELEASE_INTERVAL_MS) return
    this.#releasedMs = nowMs
    const through = Math.min(this.#evaluatedThrough, await this.#parts.recorder.cursor())
    if (through <= this.#releasedThrough) return
    await this.#parts.platform.releaseMessages(through)
    this.#releasedThrough = through
  }
}
