import { randomUUID } from 'node:crypto'
import { type JsonObject, SECURITY_INTERFACE_ID } from '@twinward/protocol'
import { SASL_HEADER } from '../../../hub/src/gateways/amqp/wire/frames.ts'
import {
  BATCH_FORMAT,
  decodeMessage,
  encodeBatch,
  encodeMessage,
  type Message,
} from '../../../hub/src/gateways/amqp/wire/message.ts'
import { CODE, composite, compositeOf } from '../../../hub/src/gateways/amqp/wire/performatives.ts'
import {
  AmqpMap,
  type AmqpValue,
  integerOf,
  symbol,
  symbolMap,
  uint,
  ulong,
  uuid,
} from '../../../hub/src/gateways/amqp/wire/values.ts'
import { until } from '../../../hub/test/hub.ts'
import { RawPeer } from '../../../hub/test/raw-amqp.ts'
import { type AgentTarget, agentToken, type ModuleCredential, openTls } from './target.ts'
import type { AgentTransport, OutgoingMessage, TwinDocument } from './transport.ts'

/** How the two legacy SDKs differ on AMQP. */
export type AmqpDialect = 'c' | 'csharp'

const CBS_OUT = 0
const CBS_IN = 1
const EVENTS = 2
const TWIN_OUT = 3
const TWIN_IN = 4
/** Below what the hub takes in one frame. */
const MAX_PART_BYTES = 60_000
const CREDIT = 1000

/**
 * AMQP as the legacy SDKs speak it: SASL MSSBCBS and a token per put-token, absolute addresses, message
 * ids that are integers (C) or UUIDs (C#), telemetry in batches of format 0x80013700 (C).
 */
export class AmqpTransport implements AgentTransport {
  readonly peer: RawPeer
  readonly #dialect: AmqpDialect
  readonly #base: string
  readonly #listeners = new Set<(patch: JsonObject) => void>()
  #nextDelivery = 0
  #seen = 0

  private constructor(peer: RawPeer, dialect: AmqpDialect, base: string) {
    this.peer = peer
    this.#dialect = dialect
    this.#base = base
    peer.stream.on('data', () => this.#tell())
  }

  /** @throws {Error} with the status of a token that is refused */
  static async open(
    target: AgentTarget,
    { deviceId, moduleId, key = '', certificate }: ModuleCredential,
    dialect: AmqpDialect,
  ): Promise<AmqpTransport> {
    const { hostName, amqpPort } = target
    const path = `/devices/${deviceId}/modules/${moduleId}`
    const peer = new RawPeer(await openTls(target, amqpPort, certificate))
    const transport = new AmqpTransport(peer, dialect, `amqps://${hostName}${path}`)
    peer.header(SASL_HEADER).sasl(CODE.saslInit, [symbol('MSSBCBS')])
    await peer.got(CODE.saslOutcome)
    peer.open()
    peer.attach(CBS_OUT, '$cbs').attach(CBS_IN, '$cbs', true)
    transport.#grant(CBS_IN)
    await transport.#attached(2)
    await transport.#putToken(`${hostName}${path}`, key)
    return transport
  }

  async subscribe(): Promise<void> {
    const id = `twin:${randomUUID()}`
    this.#attachTwin(TWIN_OUT, false, id)
    this.#attachTwin(TWIN_IN, true, id)
    await this.#attached(4)
    this.#grant(TWIN_IN)
    await this.#ask('PUT', '/notifications/twin/properties/desired')
  }

  async getTwin(): Promise<TwinDocument> {
    const { data } = await this.#ask('GET')
    return JSON.parse(Buffer.concat(data).toString())
  }

  async report(patch: JsonObject): Promise<void> {
    await this.#ask('PATCH', '/properties/reported', Buffer.from(JSON.stringify(patch)))
  }

  async send(...messages: readonly OutgoingMessage[]): Promise<void> {
    await this.#openEvents()
    const encoded = messages.map((message) => this.#encode(message))
    if (this.#dialect === 'c') {
      await this.#settled(this.#transfer(EVENTS, encodeBatch(encoded), BATCH_FORMAT))
      return
    }
    const ids = encoded.map((bytes) => this.#transfer(EVENTS, bytes))
    for (const id of ids) await this.#settled(id)
  }

  onDesired(listener: (patch: JsonObject) => void): void {
    this.#listeners.add(listener)
  }

  get isClosed(): boolean {
    return this.peer.isClosed
  }

  closed(): Promise<void> {
    return this.peer.closed()
  }

  cut(): void {
    this.peer.stream.destroy()
  }

  async #putToken(audience: string, key: string): Promise<void> {
    const messageId = this.#dialect === 'c' ? ulong(1) : uuid(Buffer.alloc(16, 7))
    const request = encodeMessage({
      properties: { messageId, to: '$cbs', replyTo: 'cbs' },
      application: new AmqpMap([
        ['operation', 'put-token'],
        ['type', 'servicebus.windows.net:sastoken'],
        ['name', audience],
      ]),
      value: agentToken(encodeURIComponent(audience), key),
    })
    this.#transfer(CBS_OUT, request)
    const { application } = await this.#answer(CBS_IN, () => true)
    const status = integerOf(application.get('status-code') ?? null)
    if (status !== 200) throw new Error(`put-token ${status}`)
  }

  async #openEvents(): Promise<void> {
    const isOpen = () => this.#answersTo(CODE.attach).includes(EVENTS)
    if (isOpen()) return
    this.peer.attach(EVENTS, `${this.#base}/messages/events`)
    await until(isOpen, 'the link for events')
  }

  #attachTwin(handle: number, isReceiver: boolean, id: string): void {
    const address = `${this.#base}/twin`
    const source = composite(CODE.source, [isReceiver ? address : null])
    const target = composite(CODE.target, [isReceiver ? null : address])
    const properties = symbolMap({
      'com.microsoft:client-version': 'iothubclient/1.3.8',
      'com.microsoft:channel-correlation-id': id,
      'com.microsoft:api-version': '2020-09-30',
    })
    // C# gives the links of every session the same names.
    const name = isReceiver ? 'twin-receiver' : 'twin-sender'
    this.peer.send(CODE.attach, [
      ...[name, uint(handle), isReceiver, null, null, source, target, null, null],
      ...[isReceiver ? null : uint(0), null, null, null, properties],
    ])
  }

  async #ask(operation: string, resource?: string, body = Buffer.alloc(0)): Promise<Message> {
    const id = randomUUID()
    const isC = this.#dialect === 'c'
    const correlationId = isC ? uuid(Buffer.from(id.replaceAll('-', ''), 'hex')) : id
    const annotations = symbolMap({ operation, resource })
    const request = encodeMessage({ properties: { correlationId }, annotations, body })
    this.#transfer(TWIN_OUT, request, 0, true)
    const wanted = JSON.stringify(correlationId)
    const answer = await this.#answer(TWIN_IN, ({ properties }) => {
      return JSON.stringify(properties.correlationId) === wanted
    })
    const status = integerOf(answer.annotations.get('status') ?? null)
    if (status !== 200) throw new Error(`${operation} ${status}`)
    return answer
  }

  #encode({ body, properties = {} }: OutgoingMessage): Buffer {
    return encodeMessage({
      annotations: symbolMap({ 'iothub-interface-id': SECURITY_INTERFACE_ID }),
      application: new AmqpMap(Object.entries(properties)),
      body,
    })
  }

  /** In as many parts as it takes. @returns the delivery id */
  #transfer(handle: number, bytes: Buffer, format = 0, isSettled = false): number {
    const id = this.#nextDelivery++
    const tag = Buffer.from(String(id))
    for (let at = 0; at === 0 || at < bytes.length; at += MAX_PART_BYTES) {
      const hasMore = at + MAX_PART_BYTES < bytes.length
      const first = [uint(id), tag, uint(format), isSettled]
      const fields = [uint(handle), ...(at === 0 ? first : [null, null, null, null]), hasMore]
      this.peer.transfer(fields, bytes.subarray(at, at + MAX_PART_BYTES))
    }
    return id
  }

  #grant(handle: number): void {
    const [incoming, window] = [uint(0), uint(2048)]
    this.peer.send(CODE.flow, [
      ...[incoming, window, uint(this.#nextDelivery), window],
      ...[uint(handle), uint(0), uint(CREDIT)],
    ])
  }

  async #attached(count: number): Promise<void> {
    await until(() => {
      const [detach] = this.#answersTo(CODE.detach)
      if (detach !== undefined) throw new Error(`link ${detach} was detached`)
      return this.#answersTo(CODE.attach).length >= count
    }, `${count} links`)
  }

  /** Handles of the performatives of this kind that came. */
  #answersTo(code: number): readonly number[] {
    return this.peer.received
      .filter((one) => one.code === code)
      .map(({ fields }) => fields.uint(code === CODE.attach ? 1 : 0) ?? -1)
  }

  async #settled(id: number): Promise<void> {
    let outcome: number | undefined
    await until(() => {
      if (this.isClosed) throw new Error('the hub has closed the connection')
      const found = this.peer.received.find(({ code, fields }) => {
        if (code !== CODE.disposition) return false
        const first = fields.uint(1) ?? 0
        return first <= id && id <= (fields.uint(2) ?? first)
      })
      outcome = found && compositeOf(found.fields.at(4))?.code
      return outcome !== undefined
    }, `the disposition of ${id}`)
    if (outcome !== CODE.accepted) throw new Error(`message ${id} was not accepted`)
  }

  async #answer(handle: number, isIt: (message: Message) => boolean): Promise<Message> {
    let found: Message | undefined
    await until(() => {
      found = this.#messages(handle).find(isIt)
      return found !== undefined
    }, `an answer on link ${handle}`)
    if (!found) throw new Error('unreachable')
    return found
  }

  #messages(handle: number): readonly Message[] {
    const messages: Message[] = []
    let parts: Buffer[] = []
    for (const { code, fields, payload } of this.peer.received) {
      if (code !== CODE.transfer || fields.uint(0) !== handle) continue
      parts.push(payload)
      if (fields.flag(5)) continue
      messages.push(decodeMessage(Buffer.concat(parts)))
      parts = []
    }
    return messages
  }

  #tell(): void {
    const changes = this.#messages(TWIN_IN).filter(({ annotations }) =>
      isDesired(annotations.get('resource')),
    )
    for (const { data } of changes.slice(this.#seen)) {
      this.#seen++
      const patch = JSON.parse(Buffer.concat(data).toString()) as JsonObject
      for (const listener of this.#listeners) listener(patch)
    }
  }
}

function isDesired(resource: AmqpValue | undefined): boolean {
  return resource === '/properties/desired'
}
