import { HubError } from '@twinward/protocol'
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
  link.accept({
    maySend: () => void reader.read(),
    closed: () => {
      unwatch()
      reader.closed()
    },
  })
}

class FeedbackReader {
  readonly #connection: Connection
  readonly #link: OutgoingLink
  readonly #held = new Set<string>()
  #isReading = false

  constructor(connection: Connection, link: OutgoingLink) {
    this.#connection = connection
    this.#link = link
  }

  /** New records tell nobody, so they are looked for. */
  tick(): void {
    void this.read()
  }

  async read(): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    const { feedback, log } = this.#connection.parts.hub
    try {
      while (this.#mayRead) {
        const batch = await feedback.receive()
        if (!batch) break
        if (this.#link.credit === 0) {
          feedback.abandon(batch.lockToken)
          break
        }
        this.#send(batch.lockToken, batch.records)
      }
    } catch (error) {
      if (!(error instanceof HubError)) log.error({ err: error }, 'feedback could not be read')
    }
    this.#isReading = false
    this.#link.drained()
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
    if (kind === 'accepted') await feedback.complete(token)
    else feedback.abandon(token)
  }
}
