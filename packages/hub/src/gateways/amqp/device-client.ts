import type { DeviceRef } from '@twinward/protocol'
import type { Notice } from '../../bus.ts'
import type { Hub } from '../../hub.ts'
import type { MethodRequest } from '../../methods/methods.ts'
import type { Credential } from '../../registry/authenticator.ts'
import type { CloseReason, LiveSession } from '../../sessions/sessions.ts'
import type { WeakTls } from '../../sessions/weak-tls.ts'
import type { CloudDelivery } from './c2d.ts'
import { conditionOfEnd } from './conditions.ts'
import type { Connection } from './connection.ts'
import type { IncomingLink } from './incoming-link.ts'
import type { Link } from './link.ts'
import { MethodChannel } from './methods.ts'
import type { OutgoingLink } from './outgoing-link.ts'
import { TwinChannel } from './twin.ts'
import type { AmqpError } from './wire/performatives.ts'

interface Opening {
  /** Which token proves it. */
  readonly key: string
  readonly credential: Credential
}

/** One device or module on one connection: its links, and what the services want of it. */
export class DeviceClient implements LiveSession {
  readonly ref: DeviceRef
  readonly #connection: Connection
  readonly #links = new Set<Link>()
  readonly #twins = new Map<string, TwinChannel>()
  readonly #methods = new Map<string, MethodChannel>()
  readonly #deliveries = new Set<CloudDelivery>()
  #opening: Opening
  #isEnded = false

  constructor(connection: Connection, ref: DeviceRef, opening: Opening) {
    this.#connection = connection
    this.ref = ref
    this.#opening = opening
  }

  get hub(): Hub {
    return this.#connection.parts.hub
  }

  get connection(): Connection {
    return this.#connection
  }

  /** What was proven last: tokens are renewed. */
  get credential(): Credential {
    return this.#opening.credential
  }

  get address(): string {
    return this.#connection.remote
  }

  get weakTls(): WeakTls | undefined {
    return this.#connection.weakTls()
  }

  get key(): string {
    return this.#opening.key
  }

  prove(key: string, credential: Credential): void {
    this.#opening = { key, credential }
  }

  add(link: Link): void {
    this.#links.add(link)
  }

  /** A link has ended. The last one takes the session along, unless the connection is all its own. */
  remove(link: Link): void {
    if (!this.#links.delete(link)) return
    if (this.#links.size === 0 && !this.#connection.clients.isAlone(this)) this.ended()
  }

  /** Detaches all links of the identity; the connection stays, others may be on it. */
  close(reason: CloseReason): void {
    this.end(conditionOfEnd(reason))
  }

  end(error: AmqpError): void {
    const links = [...this.#links]
    this.ended()
    for (const link of links) link.detach(error)
  }

  ended(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#links.clear()
    this.#connection.clients.deviceEnded(this)
    this.hub.sessions.closed(this)
  }

  desiredChanged(notice: Extract<Notice, { kind: 'desired-changed' }>): void {
    for (const channel of this.#twins.values()) channel.desiredChanged(notice)
  }

  cloudMessageWaiting(): void {
    for (const delivery of this.#deliveries) delivery.pump()
  }

  get takesMethods(): boolean {
    return this.#methodChannel() !== undefined
  }

  callMethod(request: MethodRequest): void {
    this.#methodChannel()?.call(request)
  }

  /** Called once the link of a method channel is open. */
  methodsAttached(): void {
    if (this.takesMethods) this.hub.sessions.subscribedToMethods(this)
  }

  /** The channel that a twin or method link is half of (04 §3.2). */
  twinChannel(link: Link): TwinChannel {
    return channelOf(this.#twins, link, () => new TwinChannel(this))
  }

  methodChannel(link: Link): MethodChannel {
    return channelOf(this.#methods, link, () => new MethodChannel(this))
  }

  addDelivery(delivery: CloudDelivery): void {
    this.#deliveries.add(delivery)
  }

  removeDelivery(delivery: CloudDelivery): void {
    this.#deliveries.delete(delivery)
  }

  #methodChannel(): MethodChannel | undefined {
    return [...this.#methods.values()].findLast((channel) => channel.isComplete)
  }
}

/** Two links that belong together, one each way. */
export interface Channel {
  sender: IncomingLink | undefined
  receiver: OutgoingLink | undefined
}

function channelOf<T extends Channel>(channels: Map<string, T>, link: Link, make: () => T): T {
  const id = link.attach.properties.get('com.microsoft:channel-correlation-id')
  const key = typeof id === 'string' ? id : `session ${link.session.channel}`
  for (const [known, channel] of channels) {
    if (!channel.sender && !channel.receiver && known !== key) channels.delete(known)
  }
  const channel = channels.get(key) ?? make()
  channels.set(key, channel)
  return channel
}
