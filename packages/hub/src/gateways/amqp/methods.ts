import type { MethodRequest } from '../../methods/methods.ts'
import type { Channel, DeviceClient } from './device-client.ts'
import { type Incoming, IncomingLink } from './incoming-link.ts'
import type { Link } from './link.ts'
import type { OutgoingLink } from './outgoing-link.ts'
import { refuse } from './telemetry.ts'
import { bodyOf, decodeMessage, encodeMessage } from './wire/message.ts'
import { AmqpMap, type AmqpValue, integerOf, Typed, uuid } from './wire/values.ts'

const UUID_BYTES = 16
/** More than there can be under way; answers to older calls are late anyway. */
const MAX_REMEMBERED_CALLS = 64

/**
 * Direct methods over a pair of links (04 §6):
 *
 *     ← correlation-id (uuid), IoThub-methodname reboot     {"delay":5}
 *     → correlation-id (uuid), IoThub-status 200            {"ok":true}
 */
export class MethodChannel implements Channel {
  sender: IncomingLink | undefined
  receiver: OutgoingLink | undefined
  readonly #client: DeviceClient
  /** Request ids by the uuid that stands for them, the oldest first. */
  readonly #calls = new Map<string, string>()

  constructor(client: DeviceClient) {
    this.#client = client
  }

  /** Whether calls go out and answers come back. */
  get isComplete(): boolean {
    return this.sender !== undefined && this.receiver !== undefined
  }

  attach(link: Link): void {
    if (link instanceof IncomingLink) {
      this.sender = link
      link.accept({
        received: (delivery) => this.#receive(link, delivery),
        closed: () => {
          if (this.sender === link) this.sender = undefined
        },
      })
    } else {
      this.receiver = link
      link.accept({
        closed: () => {
          if (this.receiver === link) this.receiver = undefined
        },
      })
    }
    this.#client.methodsAttached()
  }

  call({ rid, name, payload }: MethodRequest): void {
    const id = uuidFor(rid)
    this.#calls.set(id.toString('hex'), rid)
    for (const oldest of this.#calls.keys()) {
      if (this.#calls.size <= MAX_REMEMBERED_CALLS) break
      this.#calls.delete(oldest)
    }
    this.receiver?.sendLater(
      encodeMessage({
        properties: { correlationId: uuid(id) },
        application: new AmqpMap([['IoThub-methodname', name]]),
        body: Buffer.from(payload),
      }),
    )
  }

  #receive(link: IncomingLink, delivery: Incoming): void {
    try {
      const answer = decodeMessage(delivery.bytes)
      const id = hexOf(answer.properties.correlationId)
      const rid = id === undefined ? undefined : this.#calls.get(id)
      const status = integerOf(answer.application.get('IoThub-status'))
      if (id !== undefined && rid !== undefined && status !== undefined) {
        this.#calls.delete(id)
        this.#client.hub.methods.answer(this.#client, rid, status, bodyOf(answer))
      }
      // Whether anybody waits for it is not the device's concern.
      delivery.settle({ kind: 'accepted' })
    } catch (thrown) {
      refuse(this.#client, link, delivery, thrown)
    }
  }
}

/** The request id as the first bytes of a uuid: C checks the type, C# parses it (04 §6). */
function uuidFor(rid: string): Buffer {
  const bytes = Buffer.alloc(UUID_BYTES)
  Buffer.from(rid, 'hex').copy(bytes)
  return bytes
}

/** However the device spells the id it was given. */
function hexOf(id: AmqpValue | undefined): string | undefined {
  if (id instanceof Typed && Buffer.isBuffer(id.value)) return id.value.toString('hex')
  if (Buffer.isBuffer(id)) return id.toString('hex')
  return typeof id === 'string' ? id.replaceAll('-', '').toLowerCase() : undefined
}
