import { HubError } from '@twinward/protocol'
import { FEEDBACK_GATHER_MS, type FeedbackBatch } from '../../messages/feedback.ts'
import { feedbackView } from '../../messages/feedback-view.ts'
import type { StoredFeedback } from '../../messages/message-queue.ts'
import type { Connection } from './connection.ts'
import type { OutgoingLink } from './outgoing-link.ts'
import { encodeMessage } from './wire/message.ts'
import type { Outcome } from './wire/performatives.ts'
import { symbol, symbolMap, timestamp } from './wire/values.ts'

const CONTENT_TYPE = 'application/vnd.microsoft.iothub.feedback.json'
/** Batches of one link that are not settled. */
const MAX_UNSETTLED = 4

/** Sends what became of cloud-to-device messages, in batches, over one link (04 §9). */
export function serveFeedback(connection: Connection, link: OutgoingLink): void {
  const reader = new FeedbackReader(connection, link)
  const unwatch = connection.watch(reader)
  const unsubscribe = connection.parts.hub.bus.subscribe(({ kind }) => {
    if (kind === 'feedback-waiting') void reader.read()
  })
  link.accept({
    maySend: () => void reader.read(),
    closed: () => {
      unwatch()
      unsubscribe()
      reader.closed()
    },
  })
}

class FeedbackReader {
  readonly #connection: Connection
  readonly #link: OutgoingLink
  readonly #held = new Set<string>()
  /** Also without a notice: one may be lost, and locks of other readers end without any. */
  nextMs: number
  #lastBatchMs = Number.NEGATIVE_INFINITY
  #isReading = false
  /** Something may have come since the last look. */
  #isStale = false

  constructor(connection: Connection, link: OutgoingLink) {
    this.#connection = connection
    this.#link = link
    this.nextMs = this.#nowMs + FEEDBACK_GATHER_MS
  }

  look(): void {
    void this.read()
  }

  /** Sends what waits and is ripe, as far as credit and peer allow. Never rejects. */
  async read(): Promise<void> {
    this.#isStale = true
    if (this.#isReading) return
    this.#isReading = true
    const { feedback, log } = this.#connection.parts.hub
    try {
      while (this.#isStale && this.#mayRead) {
        this.#isStale = false
        const batch = await feedback.cut(this.#lastBatchMs)
        if (batch) this.#sendOrReturn(batch)
      }
    } catch (error) {
      if (!(error instanceof HubError)) log.error({ err: error }, 'feedback could not be read')
    }
    this.#isReading = false
    const nowMs = this.#nowMs
    const gatheredMs = this.#lastBatchMs + FEEDBACK_GATHER_MS
    this.nextMs = gatheredMs > nowMs ? gatheredMs : nowMs + FEEDBACK_GATHER_MS
    this.#connection.lookBy(this.nextMs)
    this.#link.drained()
  }

  #sendOrReturn({ lockToken, records }: FeedbackBatch): void {
    if (this.#link.credit === 0) {
      this.#connection.parts.hub.feedback.abandon(lockToken)
      return
    }
    this.#isStale = true
    this.#lastBatchMs = this.#nowMs
    this.#send(lockToken, records)
  }

  get #nowMs(): number {
    return this.#connection.parts.hub.clock.now()
  }

  /** What was not settled goes back. */
  closed(): void {
    for (const token of this.#held) this.#settleQuietly(token, { kind: 'released' })
    this.#held.clear()
  }

  get #mayRead(): boolean {
    const { takesMore } = this.#connection
    return takesMore && this.#link.credit > 0 && this.#held.size < MAX_UNSETTLED
  }

  #send(token: string, records: readonly StoredFeedback[]): void {
    const { hostNames, clock } = this.#connection.parts.hub
    this.#held.add(token)
    const message = encodeMessage({
      annotations: symbolMap({
        'x-opt-lock-token': token,
        'iothub-enqueuedtime': timestamp(clock.now()),
      }),
      properties: {
        messageId: token,
        userId: Buffer.from(hostNames.hubName),
        contentType: symbol(CONTENT_TYPE),
        contentEncoding: symbol('utf-8'),
      },
      body: Buffer.from(JSON.stringify(records.map(feedbackView))),
    })
    this.#link.send(message, {
      tag: Buffer.from(token.replaceAll('-', ''), 'hex'),
      whenSettled: (outcome, settle) => {
        this.#settleQuietly(token, outcome)
        settle?.(outcome)
      },
    })
    if (this.#link.attach.isPresettled) this.#settleQuietly(token, { kind: 'accepted' })
  }

  #settleQuietly(token: string, outcome: Outcome): void {
    this.#held.delete(token)
    this.#settle(token, outcome).catch((error) => {
      const { log } = this.#connection.parts.hub
      if (!(error instanceof HubError)) log.error({ err: error }, 'feedback was not settled')
    })
  }

  async #settle(token: string, { kind }: Outcome): Promise<void> {
    const { feedback } = this.#connection.parts.hub
    if (kind !== 'accepted') return feedback.abandon(token)
    await feedback.complete(token)
    if (this.#link.isOpen) await this.read()
  }
}
