import type { Duplex } from 'node:stream'
import type { DeviceRef } from '@twinward/protocol'
import type { ClientCertificate } from '../../registry/client-certificate.ts'
import type { CloseReason } from '../../sessions/sessions.ts'
import type { WeakTls } from '../../sessions/weak-tls.ts'
import { TICK_MS, type Watched } from '../wheel.ts'
import { Answer, AnswerQueue, callEach } from './answers.ts'
import { receiveConnect } from './connect.ts'
import type { ConnectionSession } from './connection-session.ts'
import { encodeDisconnect } from './encode.ts'
import { CONNECT, FrameReader } from './frames.ts'
import {
  CONNECT_DEADLINE_MS,
  LINGER_MS,
  MAX_CONNECT_BYTES,
  MAX_PACKET_BYTES,
  MAX_PENDING_WRITE_BYTES,
  MAX_READY_BYTES,
} from './limits.ts'
import { logEnd, type Peer } from './peer.ts'
import { REASON } from './reasons.ts'
import type { GatewayParts } from './server.ts'
import { PLAIN_FORMAT } from './writer.ts'

export const STOPPING: CloseReason = 'the hub is stopping'
const NOT_CONNECT = 'the first packet is not a CONNECT'

/** One socket: bytes to packets, answers to bytes, and every limit on both. */
export class Connection implements Watched {
  tick = -1
  readonly remote: string
  /** What the peer presented in the TLS handshake. */
  readonly certificate: () => ClientCertificate | undefined
  readonly weakTls: () => WeakTls | undefined
  readonly parts: GatewayParts
  readonly #socket: Duplex
  readonly #frames = new FrameReader()
  readonly #answers = new AnswerQueue()
  #state: 'new' | 'connecting' | 'open' | 'leaving' | 'closed' = 'new'
  #session: ConnectionSession | undefined
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
    this.weakTls = peer.weakTls ?? (() => undefined)
    this.parts = parts
    this.#socket = socket
    this.#lastPacketMs = parts.wheel.nowMs
    parts.wheel.watch(this, this.#lastPacketMs + CONNECT_DEADLINE_MS + TICK_MS)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.fail('the peer closed the connection', REASON.none))
    socket.on('error', (error) => this.fail(`the socket failed: ${error.message}`, REASON.none))
    socket.on('close', () => this.#closed())
  }

  get isOpen(): boolean {
    return this.#state !== 'leaving' && this.#state !== 'closed'
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
    const isTooMuch = this.#pendingBytes > MAX_PENDING_WRITE_BYTES
    if (isTooMuch) this.fail('the peer does not read', REASON.none)
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

  /** Whether something that can wait should go out now: the peer reads what it gets. */
  get takesMore(): boolean {
    return this.isOpen && !this.#isPeerSlow && this.#pendingBytes < MAX_READY_BYTES
  }

  get #pendingBytes(): number {
    return this.#answers.readyBytes + this.#socket.writableLength
  }

  /** Has the session's `due` called no later than a tick after `atMs`. */
  wakeAt(atMs: number): void {
    if (this.isOpen && Math.ceil(atMs / TICK_MS) < this.tick) this.parts.wheel.watch(this, atMs)
  }

  /** Whether all packets before the current one are done. */
  get isIdle(): boolean {
    return this.#answers.inFlight === 0
  }

  /** The peer has proven who it is. */
  open(session: ConnectionSession): void {
    this.#session = session
    this.#state = 'open'
    this.#lastPacketMs = this.parts.wheel.nowMs
    this.parts.wheel.watch(this, session.deadline(this.#lastPacketMs))
  }

  /**
   * Ends the connection, with one line in the log. A session's will is sent.
   *
   * @param code  told to a client of MQTT 5
   */
  fail(reason: string, code: number = REASON.unspecified, cause?: unknown): void {
    if (!this.isOpen) return
    const wasNew = this.#state === 'new'
    const canSpeak = code !== REASON.none && this.#session?.isMqtt5 && !this.#isPeerSlow
    const session = this.#leave(canSpeak ? 'leaving' : 'closed')
    const isQuiet = (wasNew && cause === undefined) || reason === STOPPING
    logEnd(this, { ref: session?.ref, reason, isQuiet, cause })
    session?.ended(reason)
    if (canSpeak) this.#socket.end(encodeDisconnect(code, reason))
    else this.#socket.destroy()
  }

  /** As `fail`, and does not wait for the peer once it was told. */
  terminate(reason: string, code: number): void {
    const wasOpen = this.isOpen
    this.fail(reason, code)
    const isTelling = wasOpen && this.#state === 'leaving'
    if (isTelling) this.#socket.once('finish', () => this.#socket.destroy())
    else this.#socket.destroy()
  }

  /** Refuses a CONNECT: says so and closes. */
  refuse(packet: Buffer, ref: DeviceRef | undefined, reason: string, cause?: unknown): void {
    if (!this.isOpen) return
    this.#leave('leaving')
    logEnd(this, { ref, reason, isQuiet: false, cause })
    this.#socket.end(packet)
  }

  /** The peer said goodbye: no will, as a rule. What it sent before is completed, not answered. */
  disconnect(withWill: boolean): void {
    const session = this.#leave('leaving')
    session?.ended(withWill ? 'it left with its will' : undefined)
    this.#socket.end()
  }

  /** Sends all that is ready in one write: at the end of a turn, or as soon as nothing is under way. */
  flush(): void {
    this.#isDirty = false
    if (!this.isOpen) return
    this.#write()
    this.#session?.mayWrite()
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
    if (deadline > nowMs) return Math.min(deadline, session.due(nowMs))
    if (session.expiresAtMs <= nowMs) this.fail('its token expired', REASON.notAuthorized)
    else this.fail('keep-alive ran out', REASON.keepAliveTimeout)
    return undefined
  }

  #receive(chunk: Buffer): void {
    if (this.isOpen) this.#frames.push(chunk)
    if (this.isOpen && !this.#isBlocked) this.#handleAll()
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
        if (state === 'too large') this.fail('a packet is too large', REASON.packetTooLarge)
        else this.fail('a packet length is malformed', REASON.malformedPacket)
        return false
      }
      this.#handle()
      this.#lastPacketMs = this.parts.wheel.nowMs
      if (this.isOpen) this.#frames.consume()
    }
    return false
  }

  #mayHandle(): boolean {
    return !this.#isHeld && !this.#isPeerSlow && !this.#answers.isFull
  }

  #handle(): void {
    if (this.#session) this.#session.handle(this.#frames)
    else if (this.#frames.firstByte !== CONNECT << 4) this.fail(NOT_CONNECT)
    else {
      this.#state = 'connecting'
      receiveConnect(this, this.#frames)
    }
  }

  #write(): void {
    const { writer } = this.parts
    const session = this.#session
    let whenWritten: readonly (() => void)[] | undefined
    writer.start(session ?? PLAIN_FORMAT)
    for (let answer = this.#answers.take(); answer; answer = this.#answers.take()) {
      if (answer.desiredVersion === 0 || !session?.desired) answer.write(writer)
      else session.desired.pass(answer, writer)
      if (answer.whenWritten) whenWritten = [...(whenWritten ?? []), answer.whenWritten]
    }
    if (writer.skipped > 0) session?.logSkipped(writer.skipped)
    session?.desired?.checkGap()
    if (writer.length === 0 || !this.isOpen) return
    const isFlowing = this.#socket.write(writer.take(), callEach(whenWritten))
    if (isFlowing || this.#isPeerSlow || !this.isOpen) return
    this.#isPeerSlow = true
    this.#socket.once('drain', () => {
      this.#isPeerSlow = false
      this.#session?.mayWrite()
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

  #leave(state: 'leaving' | 'closed'): ConnectionSession | undefined {
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
    this.fail('the connection was lost', REASON.none)
    this.#state = 'closed'
    this.parts.wheel.forget(this)
    this.parts.closed(this)
  }
}
