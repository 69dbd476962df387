import type { Connection } from './connection.ts'
import { IncomingLink } from './incoming-link.ts'
import { MAX_HANDLE, SESSION_WINDOW } from './limits.ts'
import type { Link } from './link.ts'
import { OutgoingLink, type SendOptions, type WhenSettled } from './outgoing-link.ts'
import { SendWindow } from './send-window.ts'
import { Fault } from './wire/fault.ts'
import { AMQP_FRAME, encodeFrame } from './wire/frames.ts'
import {
  type AmqpError,
  CODE,
  encodePerformative,
  errorValue,
  type Fields,
  type Outcome,
  outcomeOf,
  outcomeValue,
  type Performative,
  readAttach,
} from './wire/performatives.ts'
import { type AmqpValue, uint, ushort } from './wire/values.ts'

const UNBOUNDED = 0xffffffff

interface Sent {
  readonly link: OutgoingLink
  readonly whenSettled: WhenSettled
}

/** One AMQP session: its windows, its links by handle, and what the peer has not settled. */
export class Session {
  readonly connection: Connection
  readonly channel: number
  readonly #links = new Map<number, Link>()
  readonly #unsettled = new Map<number, Sent>()
  readonly #sending: SendWindow
  #nextIncomingId: number
  #incomingWindow = SESSION_WINDOW
  #isEnded = false
  #firstTurn = 0

  constructor(connection: Connection, channel: number, begin: Fields) {
    this.connection = connection
    this.channel = channel
    this.#nextIncomingId = begin.mustUint(1)
    this.#sending = new SendWindow(this, begin.mustUint(2), (id, { link, whenSettled }) => {
      if (whenSettled) this.#unsettled.set(id, { link, whenSettled })
    })
    this.#write(CODE.begin, [
      ushort(channel),
      uint(0),
      uint(SESSION_WINDOW),
      uint(UNBOUNDED),
      uint(MAX_HANDLE),
    ])
  }

  get links(): Iterable<Link> {
    return this.#links.values()
  }

  /** @throws {Fault} the session ends for it */
  receive({ code, fields, payload }: Performative): void {
    if (this.#isEnded) return
    if (code === CODE.attach) this.#attach(fields)
    else if (code === CODE.flow) this.#flow(fields)
    else if (code === CODE.transfer) this.#transfer(fields, payload)
    else if (code === CODE.disposition) this.#disposition(fields)
    else if (code === CODE.detach) this.#detach(fields)
    else throw new Fault('amqp:not-implemented', `a performative 0x${code.toString(16)}`)
  }

  /** Ends the session from our side; the peer's end is still to come. */
  end(error?: AmqpError): void {
    if (this.#isEnded) return
    this.ended()
    const body = encodePerformative(CODE.end, [errorValue(error)])
    this.connection.write(encodeFrame(AMQP_FRAME, this.channel, body))
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** The peer has ended it, or the connection is gone. */
  ended(): void {
    if (this.#isEnded) return
    for (const link of this.#links.values()) link.ended()
    this.#isEnded = true
    this.#links.clear()
    this.#unsettled.clear()
    this.#sending.ended()
  }

  writeFrame(body: Buffer): void {
    if (!this.#isEnded) this.connection.write(encodeFrame(AMQP_FRAME, this.channel, body))
  }

  /** @param link  handle, delivery count and credit of a link */
  writeFlow(link: readonly AmqpValue[] = []): void {
    this.#incomingWindow = SESSION_WINDOW
    this.#write(CODE.flow, [
      uint(this.#nextIncomingId),
      uint(SESSION_WINDOW),
      uint(this.#sending.nextTransferId),
      uint(UNBOUNDED),
      ...link,
    ])
  }

  settleIncoming(id: number, outcome: Outcome): void {
    this.#write(CODE.disposition, [true, uint(id), null, true, outcomeValue(outcome)])
  }

  sendTransfer(link: OutgoingLink, message: Buffer, options: SendOptions): void {
    this.#sending.send(link, message, options)
  }

  /** A link is gone: whoever sent something on it knows. */
  forget(link: OutgoingLink): void {
    this.#sending.forget(link)
    for (const [id, sent] of this.#unsettled) {
      if (sent.link === link) this.#unsettled.delete(id)
    }
  }

  #write(code: number, fields: readonly (AmqpValue | undefined)[]): void {
    this.writeFrame(encodePerformative(code, fields))
  }

  #attach(fields: Fields): void {
    const attach = readAttach(fields)
    const { handle } = attach
    if (handle > MAX_HANDLE) {
      throw new Fault('amqp:connection:framing-error', `handles go up to ${MAX_HANDLE}`)
    }
    if (this.#links.has(handle)) {
      throw new Fault('amqp:session:handle-in-use', `handle ${handle} is in use`)
    }
    const link = attach.peerReceives
      ? new OutgoingLink(this, attach)
      : new IncomingLink(this, attach)
    if (link instanceof IncomingLink) link.attached(fields.uint(9) ?? 0)
    this.#links.set(handle, link)
    this.connection.attached(link)
  }

  #detach(fields: Fields): void {
    const link = this.#find(fields.mustUint(0))
    const { handle } = link.attach
    const wasAlive = link.isAlive
    this.#links.delete(handle)
    link.ended()
    if (wasAlive) this.#write(CODE.detach, [uint(handle), fields.flag(1)])
  }

  #flow(fields: Fields): void {
    const nextIncomingId = fields.uint(0) ?? 0
    const window = fields.mustUint(1)
    const inFlight = (this.#sending.nextTransferId - nextIncomingId) >>> 0
    this.#sending.open(inFlight > UNBOUNDED / 2 ? window : window - inFlight)
    const handle = fields.uint(4)
    if (handle !== undefined) {
      this.#find(handle).flow(fields)
      return
    }
    if (fields.flag(9)) this.writeFlow()
    // The window has opened for all links.
    this.maySend()
  }

  /** The peer takes more: links go on with what waits, each time another one first. */
  maySend(): void {
    const links = [...this.#links.values()].filter((link) => link instanceof OutgoingLink)
    const first = this.#firstTurn++ % Math.max(links.length, 1)
    for (const link of links.slice(first)) link.maySend()
    for (const link of links.slice(0, first)) link.maySend()
  }

  #transfer(fields: Fields, payload: Buffer): void {
    if (this.#incomingWindow <= 0) {
      throw new Fault('amqp:session:window-violation', 'a transfer came beyond the window')
    }
    this.#incomingWindow--
    this.#nextIncomingId = (this.#nextIncomingId + 1) >>> 0
    const link = this.#find(fields.mustUint(0))
    if (!(link instanceof IncomingLink)) {
      throw new Fault('amqp:not-allowed', 'a transfer came on a link that receives')
    }
    link.transfer(fields, payload)
    if (this.#incomingWindow < SESSION_WINDOW / 2) this.writeFlow()
  }

  /** Only what the hub sent is of interest: what it received it settles itself. */
  #disposition(fields: Fields): void {
    if (!fields.flag(0)) return
    const first = fields.mustUint(1)
    const count = ((fields.uint(2) ?? first) - first) >>> 0
    const isSettled = fields.flag(3)
    const outcome = outcomeOf(fields.at(4))
    // A peer may name four billion deliveries; only those that there are cost anything.
    const isFew = count < this.#unsettled.size
    const ids = isFew
      ? Array.from({ length: count + 1 }, (_, n) => (first + n) >>> 0)
      : [...this.#unsettled.keys()].filter((id) => (id - first) >>> 0 <= count)
    for (const id of ids) this.#settledByPeer(id, isSettled, outcome)
  }

  #settledByPeer(id: number, isSettled: boolean, outcome: Outcome | undefined): void {
    const sent = this.#unsettled.get(id)
    if (!sent) return
    if (isSettled) {
      this.#unsettled.delete(id)
      // Without a state nobody has said that the message was taken.
      sent.whenSettled(outcome ?? { kind: 'released' })
    } else if (outcome) {
      sent.whenSettled(outcome, (settled) => this.#settleOutgoing(id, sent, settled))
    }
  }

  #settleOutgoing(id: number, sent: Sent, outcome: Outcome): void {
    if (this.#unsettled.get(id) !== sent) return
    this.#unsettled.delete(id)
    this.#write(CODE.disposition, [false, uint(id), null, true, outcomeValue(outcome)])
  }

  #find(handle: number): Link {
    const link = this.#links.get(handle)
    if (link) return link
    throw new Fault('amqp:session:unattached-handle', `handle ${handle} is not attached`)
  }
}
