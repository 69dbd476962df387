import { randomUUID } from 'node:crypto'
import {
  HubError,
  hubErrors,
  isJsonObject,
  type JsonObject,
  parseJson,
  refKey,
  type TwinPatch,
  toHubError,
} from '@twinward/protocol'
import type { Notice } from '../../bus.ts'
import { deviceView } from '../../twins/view.ts'
import { DesiredOrder } from './desired-order.ts'
import type { Channel, DeviceClient } from './device-client.ts'
import { type Incoming, IncomingLink } from './incoming-link.ts'
import type { Link } from './link.ts'
import type { OutgoingLink } from './outgoing-link.ts'
import { refuse } from './telemetry.ts'
import { bodyOf, decodeMessage, encodeMessage, type Message } from './wire/message.ts'
import { idOf, int, integerOf, long, symbolMap } from './wire/values.ts'

const REPORTED = '/properties/reported'
const DESIRED_NOTICES = '/notifications/twin/properties/desired'
const EMPTY = Buffer.alloc(0)

/** What a request is answered with. */
interface Answer {
  readonly status: number
  readonly version?: number
  readonly body: string
}

/**
 * Twin requests and their answers over a pair of links (04 §7):
 *
 *     → correlation-id 7, operation GET
 *     ← correlation-id 7, status 200          {"desired":{…,"$version":4},"reported":{…,"$version":9}}
 *     → correlation-id 8, operation PATCH, resource /properties/reported    {"fw":"1.1","old":null}
 *     ← correlation-id 8, status 200, version 10
 *     → correlation-id 9, operation PUT, resource /notifications/twin/properties/desired
 *     ← correlation-id 9, status 200
 *     ← resource /properties/desired, version 5                            {"fan":2,"$version":5}
 */
export class TwinChannel implements Channel {
  sender: IncomingLink | undefined
  receiver: OutgoingLink | undefined
  readonly #client: DeviceClient
  #order = new DesiredOrder()
  #isSubscribed = false
  /** Patches that are under way: a GET shows every patch before it. */
  readonly #patches = new Set<Promise<unknown>>()

  constructor(client: DeviceClient) {
    this.#client = client
  }

  attach(link: Link): void {
    if (link instanceof IncomingLink) {
      this.sender = link
      link.accept({
        received: (delivery) => void this.#receive(link, delivery),
        closed: () => {
          if (this.sender === link) this.sender = undefined
        },
      })
    } else {
      this.receiver = link
      const unwatch = this.#client.connection.watch(this)
      link.accept({
        closed: () => {
          unwatch()
          if (this.receiver === link) this.receiver = undefined
        },
      })
    }
  }

  desiredChanged({ patch, version }: Extract<Notice, { kind: 'desired-changed' }>): void {
    if (!this.#isSubscribed) {
      this.#order.read(version)
      return
    }
    const message = encodeMessage({
      annotations: symbolMap({ resource: '/properties/desired', version: long(version) }),
      body: Buffer.from(JSON.stringify({ ...withoutMetadata(patch), $version: version })),
    })
    this.#send(this.#order.change(version, message, this.#client.hub.clock.now()))
    this.#client.connection.lookBy(this.nextMs)
  }

  get nextMs(): number {
    return this.#order.brokenMs
  }

  /** A gap that stays means that a notice was lost: the device attaches and reads again. */
  look(nowMs: number): void {
    if (!this.#order.isBroken(nowMs)) return
    this.#order = new DesiredOrder()
    this.receiver?.detach({
      condition: 'amqp:link:detach-forced',
      description: 'A change of the desired properties was lost: read the twin again.',
    })
  }

  async #receive(link: IncomingLink, delivery: Incoming): Promise<void> {
    try {
      const request = decodeMessage(delivery.bytes)
      const answer = await this.#answer(request)
      delivery.settle({ kind: 'accepted' })
      this.#send([encodeAnswer(request, answer)])
    } catch (thrown) {
      refuse(this.#client, link, delivery, thrown)
    }
  }

  async #answer(request: Message): Promise<Answer> {
    try {
      return await this.#perform(request)
    } catch (thrown) {
      return this.#refusal(thrown)
    }
  }

  #perform(request: Message): Promise<Answer> | Answer {
    const operation = request.annotations.get('operation')
    const resource = request.annotations.get('resource')
    if (operation === 'GET') return this.#get()
    if (operation === 'PATCH' && resource === REPORTED) return this.#patch(request)
    if (operation === 'PUT' && resource === DESIRED_NOTICES) return this.#subscribe(true)
    if (operation === 'DELETE' && resource === DESIRED_NOTICES) return this.#subscribe(false)
    throw new HubError('ArgumentInvalid', 'There is no such operation on that resource.')
  }

  async #get(): Promise<Answer> {
    await Promise.allSettled(this.#patches)
    const { twin } = await this.#client.hub.twins.get(this.#client.ref)
    // Changes that waited for this one go out behind the answer, in the next turn.
    const behind = this.#order.read(twin.desired.version)
    if (behind.length > 0) setImmediate(() => this.#send(behind))
    return { status: 200, body: deviceView(twin) }
  }

  async #patch(request: Message): Promise<Answer> {
    const given = request.annotations.get('version')
    const ifVersion = given === null ? undefined : integerOf(given)
    if (given !== null && ifVersion === undefined) {
      throw new HubError('ArgumentInvalid', 'version is not a number.')
    }
    const { hub, ref } = this.#client
    const patched = hub.twins.updateReported(ref, parsePatch(request), ifVersion)
    this.#patches.add(patched)
    try {
      return { status: 200, version: await patched, body: '' }
    } finally {
      this.#patches.delete(patched)
    }
  }

  #subscribe(isSubscribed: boolean): Answer {
    this.#isSubscribed = isSubscribed
    return { status: 200, body: '' }
  }

  /** Envelope C (00 §4.3): Node reads the body, the other SDKs the status. */
  #refusal(thrown: unknown): Answer {
    const { hub, ref } = this.#client
    const { code, message } = toHubError(thrown)
    const { number, status } = hubErrors[code]
    const timestampUtc = new Date(hub.clock.now()).toISOString()
    const trackingId = `${randomUUID().replaceAll('-', '')}-G:0-TimeStamp:${timestampUtc}`
    if (code === 'ServerError') {
      hub.log.error({ err: thrown, ref: refKey(ref), trackingId }, 'a twin request failed')
    }
    const body = JSON.stringify({ errorCode: number, trackingId, message, timestampUtc })
    return { status, body }
  }

  #send(messages: readonly Buffer[]): void {
    for (const message of messages) this.receiver?.sendLater(message)
  }
}

/** The correlation id goes back with its type: strings of Node, C and C#, uuids of Java. */
function encodeAnswer({ properties }: Message, { status, version, body }: Answer): Buffer {
  return encodeMessage({
    annotations: symbolMap({
      status: int(status),
      version: version === undefined ? undefined : long(version),
    }),
    properties: { correlationId: idOf(properties.correlationId) },
    body: body === '' ? EMPTY : Buffer.from(body),
  })
}

function parsePatch(request: Message): TwinPatch {
  const patch = parseJson(bodyOf(request).toString('utf8'), 'ArgumentInvalid')
  if (isJsonObject(patch)) return patch
  throw new HubError('ArgumentInvalid', 'The body is not a JSON object.')
}

/** SDKs of services send whole twins back, but a device is not told metadata (02 §4.2). */
function withoutMetadata(patch: JsonObject): JsonObject {
  if (!Object.hasOwn(patch, '$metadata')) return patch
  return Object.fromEntries(Object.entries(patch).filter(([key]) => key !== '$metadata'))
}
