import type { Duplex } from 'node:stream'
import { type DeviceRef, MAX_MESSAGE_BYTES, refKey } from '@twinward/protocol'
import type { ClientCertificate } from '../../registry/client-certificate.ts'
import type { CloseReason } from '../../sessions/sessions.ts'
import { Answer, AnswerQueue } from './answers.ts'
import { receiveConnect } from './connect.ts'
import { CONNECT, FrameReader, type FrameState } from './frames.ts'
import type { GatewayParts } from './server.ts'
import type { Session } from './session.ts'
import { TICK_MS, type Watched } from './wheel.ts'

export const CONNECT_DEADLINE_MS = 30_000
/** Ids, host, client type and a token take a kilobyte or two; a will may add a payload. */
export const MAX_CONNECT_BYTES = 16 * 1024
/** A message, the two length fields and the longest topic that MQTT allows. */
export const MAX_PACKET_BYTES = MAX_MESSAGE_BYTES + 64 * 1024
/** Operations of one connection that are under way at once, and the bytes of their packets. */
export const MAX_IN_FLIGHT = 256
export const MAX_IN_FLIGHT_BYTES = 1024 * 1024
/** Answers that are ready; above it no further packet is handled in this turn. */
const MAX_READY_BYTES = 256 * 1024
/** What a peer that does not read may leave with us. */
export const MAX_PENDING_WRITE_BYTES = 2 * 1024 * 1024
/** How long a peer may take to close its side after we said goodbye. */
const LINGER_MS = 5000
/** Why connections end with the gateway. */
export const STOPPING: CloseReason = 'the hub is stopping'
const NOT_CONNECT = 'the first packet is not a CONNECT'

/** Who is at the other end of a stream. */
export interface Peer {
  /** For the log. */
  readonly address: string
  readonly certificate: () => ClientCertificate | undefined
}

/** One socket: bytes to packets, answers to bytes, and every limit on both. */
export class Connection implements Watched {
  tick = -1
  readonly remote: string
  /** What the peer presented in the TLS handshake. */
  readonly certificate: () => ClientCertificate | undefined
  readonly parts: GatewayParts
  readonly #socket: Duplex
  readonly #frames = new FrameReader()
  readonly #answers = new AnswerQueue()
  #state: 'new' | 'connecting' | 'open' | 'leaving' | 'closed' = 'new'
  #session: Session | undefined
  /** When the last packet arrived; of a new connection, when that did. */
  #lastPacketMs: number
  /** A packet is being handled that nothing may overtake. */
  #isHeld = false
  /** There are bytes that may not be handled yet. */
  #isBlocked = false
  #isPeerSlow = false
  #isDirty = false

  constructor(socket: Duplex, peer: Peer, parts: GatewayParts) {
    this.remote = peer.address
    this.certificate = peer.certificate
    this.parts = parts
    this.#socket = socket
    this.#lastPacketMs = parts.wheel.nowMs
    parts.wheel.watch(this, this.#lastPacketMs + CONNECT_DEADLINE_MS + TICK_MS)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.fail('the peer closed the connection'))
    socket.on('error', (error) => this.fail(`the socket failed: ${error.message}`))
    socket.on('close', () => this.#closed())
  }

  get isOpen(): boolean {
    return this.#state === 'new' || this.#state === 'connecting' || this.#state === 'open'
  }

  /** A place for the answer to the current packet; work is under way until it is settled. */
  reserve(costBytes: number): Answer {
    return this.#answers.reserve(costBytes)
  }

  settle(answer: Answer): void {
    this.#answers.settle(answer)
    // Nothing is left to wait for: writing now finds what was just used still in the CPU's cache.
    if (this.isIdle && !this.#isDirty) this.parts.flush(this)
    else this.#touch()
  }

  /** Sends something that needs no waiting, after the answers that came before it. */
  send(answer: Answer): void {
    if (!this.isOpen) return
    this.#answers.add(answer)
    this.#touch()
    if (this.#answers.readyBytes + this.#socket.writableLength > MAX_PENDING_WRITE_BYTES) {
      this.fail('the peer does not read')
    }
  }

  sendPacket(packet: Buffer): void {
    const answer = new Answer()
    answer.packet = packet
    this.send(answer)
  }

  /** Nothing is handled until `release`: for what later packets must not overtake. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    this.#touch()
  }

  /** Whether all packets before the current one are done. */
  get isIdle(): boolean {
    return this.#answers.inFlight === 0
  }

  /** The peer has proven who it is. */
  open(session: Session): void {
    this.#session = session
    this.#state = 'open'
    this.#lastPacketMs = this.parts.wheel.nowMs
    this.parts.wheel.watch(this, session.deadline(this.#lastPacketMs))
  }

  /** Ends the connection at once, with one line in the log. A session's will is sent. */
  fail(reason: string, cause?: unknown): void {
    if (!this.isOpen) return
    const wasNew = this.#state === 'new'
    const session = this.#leave('closed')
    const isQuiet = (wasNew && cause === undefined) || reason === STOPPING
    this.#logEnd(session?.ref, reason, isQuiet, cause)
    session?.ended(reason)
    this.#socket.destroy()
  }

  /** As `fail`, and does not let a goodbye linger either. */
  terminate(reason: string): void {
    this.fail(reason)
    this.#socket.destroy()
  }

  /** Refuses a CONNECT: says so and closes. */
  refuse(packet: Buffer, ref: DeviceRef | undefined, reason: string, cause?: unknown): void {
    if (!this.isOpen) return
    this.#leave('leaving')
    this.#logEnd(ref, reason, false, cause)
    this.#socket.end(packet)
  }

  /** The peer said goodbye: no will. What it sent before is still completed, not answered. */
  disconnect(): void {
    const session = this.#leave('leaving')
    session?.ended(undefined)
    this.#socket.end()
  }

  /** Sends all that is ready in one write: at the end of a turn, or as soon as nothing is under way. */
  flush(): void {
    this.#isDirty = false
    if (!this.isOpen) return
    this.#write()
    if (this.#isBlocked) this.#handleAll()
  }

  due(nowMs: number): number | undefined {
    if (this.#state === 'closed') return undefined
    const session = this.#session
    if (this.#state !== 'open' || session === undefined) {
      this.fail(`no CONNECT within ${CONNECT_DEADLINE_MS / 1000} s`)
      this.#socket.destroy()
      return undefined
    }
    // A peer whose packets we hold up ourselves is not silent.
    if (!this.isIdle) this.#lastPacketMs = nowMs
    const deadline = session.deadline(this.#lastPacketMs)
    if (deadline > nowMs) return deadline
    this.fail(session.expiresAtMs <= nowMs ? 'its token expired' : 'keep-alive ran out')
    return undefined
  }

  #receive(chunk: Buffer): void {
    if (!this.isOpen) return
    this.#frames.push(chunk)
    if (!this.#isBlocked) this.#handleAll()
  }

  #handleAll(): void {
    try {
      this.#isBlocked = this.#handleWhatMay()
    } catch (error) {
      this.parts.hub.log.error({ err: error, remote: this.remote }, 'an mqtt packet hit a bug')
      this.fail('a bug in the hub')
    }
    if (!this.isOpen) return
    if (this.#isBlocked) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#socket.resume()
  }

  /** @returns whether it had to stop before the bytes ran out */
  #handleWhatMay(): boolean {
    while (this.isOpen && !this.#frames.isEmpty) {
      if (!this.#mayHandle()) return true
      const isNew = this.#state === 'new'
      const state = this.#frames.next(isNew ? MAX_CONNECT_BYTES : MAX_PACKET_BYTES)
      if (state === 'incomplete') {
        if (isNew && this.#frames.headByte !== CONNECT << 4) this.fail(NOT_CONNECT)
        return false
      }
      if (state !== 'packet') {
        this.fail(describe(state))
        return false
      }
      if (!this.#handle()) return true
      this.#lastPacketMs = this.parts.wheel.nowMs
      if (this.isOpen) this.#frames.consume()
    }
    return false
  }

  #mayHandle(): boolean {
    const { inFlight, inFlightBytes, readyBytes } = this.#answers
    return (
      !this.#isHeld &&
      !this.#isPeerSlow &&
      inFlight < MAX_IN_FLIGHT &&
      inFlightBytes < MAX_IN_FLIGHT_BYTES &&
      readyBytes < MAX_READY_BYTES
    )
  }

  /** @returns false when the packet has to wait for those before it */
  #handle(): boolean {
    if (this.#session) return this.#session.handle(this.#frames)
    if (this.#frames.firstByte !== CONNECT << 4) {
      this.fail(NOT_CONNECT)
      return true
    }
    this.#state = 'connecting'
    receiveConnect(this, this.#frames)
    return true
  }

  #write(): void {
    const { writer } = this.parts
    const session = this.#session
    writer.clear()
    for (let answer = this.#answers.take(); answer; answer = this.#answers.take()) {
      if (answer.desiredVersion === 0 || !session) answer.write(writer)
      else session.passDesired(answer, writer)
    }
    session?.checkGap()
    if (writer.length === 0 || !this.isOpen) return
    const isFlowing = this.#socket.write(writer.take())
    if (isFlowing || this.#isPeerSlow || !this.isOpen) return
    this.#isPeerSlow = true
    this.#socket.once('drain', () => {
      this.#isPeerSlow = false
      if (this.isOpen) this.#handleAll()
    })
  }

  /** Something changed that the end of the turn should look at. */
  #touch(): void {
    if (this.#isDirty || !this.isOpen) return
    if (!this.#answers.hasReady && !this.#isBlocked) return
    this.#isDirty = true
    this.parts.flushSoon(this)
  }

  #leave(state: 'leaving' | 'closed'): Session | undefined {
    const session = this.#session
    this.#session = undefined
    this.#state = state
    this.#frames.clear()
    if (state === 'closed') this.parts.wheel.forget(this)
    else this.parts.wheel.watch(this, this.parts.wheel.nowMs + LINGER_MS)
    // What the peer still sends must not keep its socket from ending.
    if (state === 'leaving') this.#socket.resume()
    return session
  }

  #closed(): void {
    this.fail('the connection was lost')
    this.#state = 'closed'
    this.parts.wheel.forget(this)
    this.parts.closed(this)
  }

  /** Health checks and port scans are not worth a line, nor is each connection when the hub stops. */
  #logEnd(ref: DeviceRef | undefined, reason: string, isQuiet: boolean, cause: unknown): void {
    const { log } = this.parts.hub
    const fields = {
      ...(ref && { ref: refKey(ref) }),
      remote: this.remote,
      reason,
      ...(cause !== undefined && { cause }),
    }
    if (isQuiet) log.debug(fields, 'mqtt connection ended')
    else log.info(fields, 'mqtt connection ended')
  }
}

function describe(state: Exclude<FrameState, 'packet' | 'incomplete'>): string {
  return state === 'too large' ? 'a packet is too large' : 'a packet length is malformed'
}
