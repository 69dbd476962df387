import type { Duplex } from 'node:stream'
import type { ClientCertificate } from '../../registry/client-certificate.ts'
import type { WeakTls } from '../../sessions/weak-tls.ts'
import { Channels } from './channels.ts'
import { Clients } from './clients.ts'
import { SILENT, STOPPING, UNPROVEN } from './conditions.ts'
import { Deadline } from './deadline.ts'
import { Handshake } from './handshake.ts'
import { Heartbeat } from './heartbeat.ts'
import { IncomingLink } from './incoming-link.ts'
import { Intake } from './intake.ts'
import {
  AMQPS_PORT,
  LINGER_MS,
  MAX_FRAME_BYTES,
  MAX_LINKS,
  MIN_FRAME_BYTES,
  MIN_PEER_IDLE_MS,
  OPEN_DEADLINE_MS,
  PROOF_DEADLINE_MS,
} from './limits.ts'
import type { Link } from './link.ts'
import { login } from './login.ts'
import { openLink } from './open-link.ts'
import { encodeOpen, readOpen } from './opening.ts'
import { Output } from './output.ts'
import type { GatewayParts, Peer } from './server.ts'
import { Fault } from './wire/fault.ts'
import { AMQP_FRAME, encodeFrame, type Frame, FrameReader } from './wire/frames.ts'
import {
  type AmqpError,
  CODE,
  conditionOf,
  decodePerformative,
  encodePerformative,
  errorValue,
  type Performative,
} from './wire/performatives.ts'

type State = 'opening' | 'open' | 'closing' | 'closed'

/** Something that looks at the clock now and then. */
export interface Watched {
  /** When it wants to look next, ms since the epoch; infinity: not before it says so by `lookBy`. */
  readonly nextMs: number
  look(nowMs: number): void
}

const SIGN_OF_LIFE = encodeFrame(AMQP_FRAME, 0)

/** One byte stream that speaks AMQP 1.0: frames to sessions, answers to bytes, and every limit on both. */
export class Connection {
  readonly parts: GatewayParts
  readonly remote: string
  /** The port that the peer has come to. */
  readonly localPort: number
  readonly certificate: () => ClientCertificate | undefined
  readonly weakTls: () => WeakTls | undefined
  /** Who speaks on this connection, and what they have proven. */
  readonly clients: Clients
  /** How much of what came is not done with. */
  readonly intake = new Intake(() => this.#continueLater())
  readonly #socket: Duplex
  readonly #frames = new FrameReader()
  readonly #channels = new Channels(this)
  readonly #handshake: Handshake
  readonly #links = new Set<Link>()
  readonly #watched = new Set<Watched>()
  readonly #startedMs: number
  #state: State = 'opening'
  #peerFrameBytes = MIN_FRAME_BYTES
  #wantedHost = ''
  readonly #heartbeat: Heartbeat
  #closedMs = 0
  readonly #output: Output
  readonly #deadline: Deadline

  constructor(socket: Duplex, peer: Peer, parts: GatewayParts) {
    this.parts = parts
    this.remote = peer.address
    this.localPort = peer.localPort ?? AMQPS_PORT
    this.certificate = peer.certificate
    this.weakTls = peer.weakTls ?? (() => undefined)
    this.clients = new Clients(this)
    this.#deadline = new Deadline(parts.wheel, (nowMs) => this.#look(nowMs))
    this.#output = new Output(socket, {
      drained: () => {
        this.#channels.maySend()
        this.#handleAll()
      },
      overfull: () => this.#gone('the peer does not read'),
      wrote: () => this.#heartbeat.wrote(parts.hub.clock.now()),
    })
    this.#handshake = new Handshake({
      login: (choice) => login(this, choice),
      write: (bytes) => this.write(bytes),
      refuse: (reason) => this.#leaveQuietly(reason),
      goOn: () => this.#handleAll(),
      failed: (error) => {
        parts.hub.log.error({ err: error }, 'an amqp client could not be checked')
      },
    })
    this.#socket = socket
    this.#startedMs = parts.hub.clock.now()
    this.#heartbeat = new Heartbeat(this.#startedMs)
    this.lookBy(this.#startedMs + OPEN_DEADLINE_MS)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.#gone('the peer closed the connection'))
    socket.on('error', (error) => this.#gone(`the socket failed: ${error.message}`))
    socket.on('close', () => {
      this.#gone('the peer closed the connection')
      parts.closed(this)
    })
  }

  get isOpen(): boolean {
    return this.#state !== 'closing' && this.#state !== 'closed'
  }

  /** The name under which the peer knows the hub. */
  get hostName(): string {
    const { hostNames } = this.parts.hub
    const isOwn = hostNames.matches(this.#wantedHost)
    return isOwn ? this.#wantedHost.replace(/:\d{1,5}$/, '') : hostNames.primary
  }

  /** What a frame to the peer may take. */
  get peerFrameBytes(): number {
    return this.#peerFrameBytes
  }

  /** Whether something that can wait should go out now: the peer reads what it gets. */
  get takesMore(): boolean {
    return this.isOpen && this.#output.takesMore
  }

  /** Sends bytes at the end of this turn. */
  write(bytes: Buffer): void {
    this.#output.write(bytes)
  }

  /** Transfers that wait for a window of the peer. */
  heldChanged(bytes: number): void {
    this.#output.heldChanged(bytes)
  }

  /** A peer attaches a link: what it is for decides who answers. */
  attached(link: Link): void {
    this.#links.add(link)
    if (this.#links.size > MAX_LINKS) {
      link.detach({
        condition: 'amqp:resource-limit-exceeded',
        description: `A connection may have ${MAX_LINKS} links.`,
      })
    } else openLink(this, link)
  }

  linkEnded(link: Link): void {
    this.#links.delete(link)
    this.clients.linkEnded(link)
    if (link instanceof IncomingLink) this.intake.forget(link)
  }

  /** Has `look` called at its `nextMs` until the returned function is called. */
  watch(item: Watched): () => void {
    this.#watched.add(item)
    this.lookBy(item.nextMs)
    return () => this.#watched.delete(item)
  }

  /** Something falls due at this time, earlier than what was known of before. */
  lookBy(atMs: number): void {
    this.#deadline.by(atMs)
  }

  /** Says why and ends the connection. */
  close(error: AmqpError): void {
    if (!this.isOpen) return
    if (this.#state !== 'open') {
      this.#gone(error.description)
      return
    }
    this.#endAll(error.description)
    this.write(encodeFrame(AMQP_FRAME, 0, encodePerformative(CODE.close, [errorValue(error)])))
    this.#leave()
  }

  /** Says that the hub stops, and does not wait for the peer. */
  terminate(): void {
    this.close(STOPPING)
    const isTelling = this.#state === 'closing' && !this.#output.isPeerSlow
    if (!isTelling || this.#socket.writableFinished) this.#socket.destroy()
    else this.#socket.once('finish', () => this.#socket.destroy())
  }

  /** Something may be due. @returns when to look again */
  #look(nowMs: number): number {
    if (this.#state === 'closing') {
      if (nowMs >= this.#closedMs + LINGER_MS) this.#socket.destroy()
    } else if (this.#state === 'opening') {
      if (nowMs >= this.#startedMs + OPEN_DEADLINE_MS) this.#gone('it was not opened in time')
    } else if (this.#state === 'open') this.#lookOpen(nowMs)
    return this.#nextMs
  }

  #lookOpen(nowMs: number): void {
    // A peer whose bytes we hold up ourselves is not silent.
    if (this.intake.isOverloaded) this.#heartbeat.heard(nowMs)
    this.clients.look(nowMs)
    for (const item of [...this.#watched]) if (item.nextMs <= nowMs) item.look(nowMs)
    if (!this.clients.hasProof && nowMs >= this.#startedMs + PROOF_DEADLINE_MS) {
      this.close(UNPROVEN)
    } else if (this.#heartbeat.isSilent(nowMs)) {
      this.close(SILENT)
    } else if (this.#heartbeat.isDue(nowMs)) this.write(SIGN_OF_LIFE)
  }

  get #nextMs(): number {
    if (this.#state === 'closed') return Number.POSITIVE_INFINITY
    if (this.#state === 'closing') return this.#closedMs + LINGER_MS
    if (this.#state === 'opening') return this.#startedMs + OPEN_DEADLINE_MS
    const proofMs = this.#startedMs + PROOF_DEADLINE_MS
    const unprovenMs = this.clients.hasProof ? Number.POSITIVE_INFINITY : proofMs
    const nextMs = Math.min(this.#heartbeat.nextMs, this.clients.nextMs, unprovenMs)
    return [...this.#watched].reduce((next, item) => Math.min(next, item.nextMs), nextMs)
  }

  #receive(chunk: Buffer): void {
    if (!this.isOpen) return
    this.#heartbeat.heard(this.parts.hub.clock.now())
    this.#frames.push(chunk)
    this.#handleAll()
  }

  #continueLater(): void {
    if (this.#socket.isPaused()) setImmediate(() => this.#handleAll())
  }

  #handleAll(): void {
    try {
      while (this.isOpen && this.#mayHandle && this.#handleNext()) {
        // Everything that is complete.
      }
    } catch (thrown) {
      this.#failed(thrown)
    }
    if (!this.isOpen) return
    if (!this.#mayHandle) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#socket.resume()
  }

  get #mayHandle(): boolean {
    return !this.#handshake.isChecking && !this.intake.isOverloaded && !this.#output.isPeerSlow
  }

  #failed(thrown: unknown): void {
    if (thrown instanceof Fault) {
      this.close({ condition: thrown.condition, description: thrown.message })
      return
    }
    const fields = { err: thrown, remote: this.remote }
    this.parts.hub.log.error(fields, 'an amqp connection hit a bug')
    this.close({ condition: 'amqp:internal-error', description: 'The hub hit a bug.' })
  }

  /** @returns false when there is nothing complete to handle */
  #handleNext(): boolean {
    if (!this.#handshake.isDone) return this.#handshake.handle(this.#frames)
    const frame = this.#frames.next(MAX_FRAME_BYTES)
    if (frame) this.#handleFrame(frame)
    return frame !== undefined
  }

  #handleFrame({ type, channel, body }: Frame): void {
    if (type !== AMQP_FRAME) throw new Fault('amqp:decode-error', `a frame of type ${type}`)
    if (body.length === 0) return
    const performative = decodePerformative(body)
    if (this.#state === 'opening') this.#handleOpen(performative)
    else if (performative.code === CODE.open) {
      throw new Fault('amqp:connection:framing-error', 'a second open')
    } else if (performative.code === CODE.close) this.#closedByPeer(performative)
    else this.#channels.receive(channel, performative)
  }

  #handleOpen(performative: Performative): void {
    const { hostName, frameBytes, idleMs } = readOpen(performative)
    this.#wantedHost = hostName
    this.#peerFrameBytes = frameBytes
    this.#heartbeat.peerIdleMs = idleMs
    this.#state = 'open'
    this.lookBy(this.#nextMs)
    this.write(encodeOpen(this.parts.hub.hostNames.primary))
    if (idleMs !== undefined && idleMs < MIN_PEER_IDLE_MS) {
      throw new Fault('amqp:not-allowed', `idle timeouts under ${MIN_PEER_IDLE_MS} ms`)
    }
  }

  #closedByPeer({ fields }: Performative): void {
    const condition = conditionOf(fields.at(0))
    this.#endAll(`the peer closed it${condition ? ` with ${condition}` : ''}`)
    this.write(encodeFrame(AMQP_FRAME, 0, encodePerformative(CODE.close, [])))
    this.#leave()
  }

  /** What was written goes out; then the peer has `LINGER_MS` to close its side. */
  #leave(): void {
    this.#state = 'closing'
    this.#closedMs = this.parts.hub.clock.now()
    this.lookBy(this.#closedMs + LINGER_MS)
    this.#output.flush()
    this.#socket.resume()
    this.#socket.end()
  }

  #leaveQuietly(reason: string): void {
    if (!this.isOpen) return
    this.#endAll(reason)
    this.#leave()
  }

  #gone(reason: string): void {
    if (this.#state === 'closed') return
    const wasOpen = this.isOpen
    this.#state = 'closed'
    this.#deadline.stop()
    if (wasOpen) this.#endAll(reason)
    this.#output.close()
    // Half a connection is none.
    this.#socket.destroy()
  }

  #endAll(reason: string): void {
    this.#channels.ended()
    this.clients.ended()
    const fields = { remote: this.remote, reason }
    if (this.clients.hasProof) this.parts.hub.log.info(fields, 'amqp connection ended')
    else this.parts.hub.log.debug(fields, 'amqp connection ended')
  }
}
