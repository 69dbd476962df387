import type { Connection } from './connection.ts'
import type { OutgoingLink, SendOptions } from './outgoing-link.ts'
import { AMQP_FRAME, encodeFrame } from './wire/frames.ts'
import { CODE, encodePerformative } from './wire/performatives.ts'
import { uint } from './wire/values.ts'

/** A transfer's own fields, at most, with a tag of 32 bytes. */
const TRANSFER_OVERHEAD_BYTES = 80
/** Only the first transfer of a message says what it is. */
const NOTHING_MORE_TO_SAY = [null, null, null, null]

/** A message on its way out. */
export interface Outgoing extends SendOptions {
  readonly link: OutgoingLink
  readonly message: Buffer
  /** Absent until some of it went. */
  id?: number
  /** So many bytes of it went. */
  sentBytes: number
}

/** What one session sends, as far as the peer's window goes; the rest waits. */
export class SendWindow {
  readonly #connection: Connection
  readonly #channel: number
  readonly #numbered: (id: number, outgoing: Outgoing) => void
  /** Of the first one some may have gone. */
  #held: Outgoing[] = []
  #nextDeliveryId = 0
  #nextTransferId = 0
  /** Transfers that the peer still takes. */
  #transfersLeft: number

  /** @param numbered  called when the first of a message goes, with its number */
  constructor(
    { connection, channel }: { readonly connection: Connection; readonly channel: number },
    transfersLeft: number,
    numbered: (id: number, outgoing: Outgoing) => void,
  ) {
    this.#connection = connection
    this.#channel = channel
    this.#transfersLeft = transfersLeft
    this.#numbered = numbered
  }

  /** Of the next transfer. */
  get nextTransferId(): number {
    return this.#nextTransferId
  }

  send(link: OutgoingLink, message: Buffer, options: SendOptions): void {
    const outgoing: Outgoing = { ...options, link, message, sentBytes: 0 }
    if (this.#held.length === 0 && this.#sendWhole(outgoing)) return
    this.#held.push(outgoing)
    this.#connection.heldChanged(bytesLeft(outgoing))
  }

  /** The peer takes so many more; what waits goes out. */
  open(transfersLeft: number): void {
    this.#transfersLeft = transfersLeft
    for (let next = this.#held[0]; next && this.#transfersLeft > 0; next = this.#held[0]) {
      const beforeBytes = bytesLeft(next)
      if (this.#sendWhole(next)) this.#held.shift()
      this.#connection.heldChanged(bytesLeft(next) - beforeBytes)
    }
  }

  /**
   * A link is gone: what waits on it must not follow its end, for by then its handle may be another
   * link's.
   */
  forget(link: OutgoingLink): void {
    if (!this.#held.some((held) => held.link === link)) return
    const before = this.#held
    this.#held = before.filter((held) => held.link !== link)
    this.#dropped(before.filter((held) => held.link === link))
  }

  /** The session is gone. */
  ended(): void {
    const before = this.#held
    this.#held = []
    this.#dropped(before)
  }

  #dropped(messages: readonly Outgoing[]): void {
    for (const message of messages) this.#connection.heldChanged(-bytesLeft(message))
  }

  /** As much as the window takes. @returns whether that was all that was left */
  #sendWhole(outgoing: Outgoing): boolean {
    while (this.#transfersLeft > 0) {
      this.#sendFrame(outgoing)
      if (bytesLeft(outgoing) === 0) return true
    }
    return false
  }

  #sendFrame(outgoing: Outgoing): void {
    const { link, message, tag, whenSettled, sentBytes } = outgoing
    const isFirst = outgoing.id === undefined
    outgoing.id ??= this.#number(outgoing)
    const first = [uint(outgoing.id), tag, uint(0), whenSettled === undefined]
    const chunkBytes = this.#connection.peerFrameBytes - TRANSFER_OVERHEAD_BYTES
    const chunk = message.subarray(sentBytes, sentBytes + chunkBytes)
    outgoing.sentBytes += chunk.length
    const hasMore = bytesLeft(outgoing) > 0
    const handle = uint(link.attach.handle)
    const fields = [handle, ...(isFirst ? first : NOTHING_MORE_TO_SAY), hasMore]
    const transfer = encodePerformative(CODE.transfer, fields)
    this.#transfersLeft--
    this.#nextTransferId = (this.#nextTransferId + 1) >>> 0
    this.#connection.write(encodeFrame(AMQP_FRAME, this.#channel, transfer, chunk))
  }

  /** Peers count deliveries: a message has its number when it goes out, and not before. */
  #number(outgoing: Outgoing): number {
    const id = this.#nextDeliveryId
    this.#nextDeliveryId = (id + 1) >>> 0
    this.#numbered(id, outgoing)
    return id
  }
}

function bytesLeft({ message, sentBytes }: Outgoing): number {
  return message.length - sentBytes
}
