import type { Connection } from './connection.ts'
import type { Histogram } from './histogram.ts'
import { encodePublish, PUBACK, PUBLISH } from './packets.ts'
import type { DeviceLogin, Dialect } from './plan.ts'
import { topicsOf } from './topics.ts'

/** Different patches a device sends in turn; more than are ever in flight. */
const RING_SLOTS = 32
/** Request ids all have two digits, so that all packets of a device have one length. */
const FIRST_REQUEST_ID = 10
const DIGIT_2 = 0x32

/** What all devices of a run count into. */
export interface Tally {
  done: number
  refused: number
  /** While true, every patch that is done is followed by the next. */
  sending: boolean
  readonly latency: Histogram
}

/**
 * One device that keeps `inFlight` patches under way. Everything it sends was encoded before the
 * clock started; of what comes back only fixed headers and the status digit are looked at.
 */
export class PatchLink {
  readonly #connection: Connection
  readonly #tally: Tally
  readonly #dialect: Dialect
  readonly #packetBytes: number
  /** Bytes of an answer before the first digit of its status. */
  readonly #statusAt: number
  /** `slices[slot][count - 1]`: `count` packets from `slot` on, to be written at once. */
  readonly #slices: readonly (readonly Buffer[])[]
  readonly #sentAt = new Float64Array(RING_SLOTS)
  #sent = 0
  #done = 0
  #acknowledged = 0
  #answered = 0
  // The packet being received: its type, and its bytes to come; -1 before the type is known.
  #type = -1
  #length = 0
  #lengthScale = 0
  #rest = 0

  constructor(connection: Connection, device: DeviceLogin, how: PatchLinkOptions) {
    const { dialect, inFlight, tally } = how
    const packets = encodeRing(dialect, device.deviceId)
    this.#connection = connection
    this.#tally = tally
    this.#dialect = dialect
    this.#packetBytes = packets[0]?.length ?? 0
    this.#statusAt = 2 + topicsOf(dialect).answerStatusAt(device.deviceId)
    this.#slices = sliceRing(packets, inFlight)
    connection.receive = dialect === 'echo' ? this.#receiveEcho : this.#receiveMqtt
  }

  get inFlight(): number {
    return this.#sent - this.#done
  }

  send(count: number, now: number): void {
    const slot = this.#sent % RING_SLOTS
    for (let i = 0; i < count; i++) this.#sentAt[(this.#sent + i) % RING_SLOTS] = now
    this.#sent += count
    const bytes = this.#slices[slot]?.[count - 1]
    if (!bytes) throw new RangeError(`${count} packets are more than may be in flight.`)
    this.#connection.socket.write(bytes)
  }

  readonly #receiveEcho = (_bytes: Uint8Array, length: number): void => {
    this.#answered += length
    this.#settle(Math.floor(this.#answered / this.#packetBytes))
  }

  readonly #receiveMqtt = (bytes: Uint8Array, length: number): void => {
    let at = 0
    while (at < length) {
      if (this.#rest > 0) at = this.#skipBody(bytes, at, length)
      else at = this.#readHeader(bytes[at] ?? 0, at)
    }
    // Done only when both came: the acknowledgement and, where there is one, the answer.
    this.#settle(
      this.#dialect === 'mqtt' ? this.#acknowledged : Math.min(this.#acknowledged, this.#answered),
    )
  }

  #readHeader(byte: number, at: number): number {
    if (this.#type < 0) {
      this.#type = byte >> 4
      this.#length = 0
      this.#lengthScale = 1
      return at + 1
    }
    this.#length += (byte & 127) * this.#lengthScale
    this.#lengthScale *= 128
    if (byte < 128) {
      this.#rest = this.#length
      if (this.#rest === 0) this.#type = -1
    }
    return at + 1
  }

  #skipBody(bytes: Uint8Array, at: number, length: number): number {
    const step = Math.min(this.#rest, length - at)
    if (this.#type === PUBLISH && step === this.#length) {
      if (bytes[at + this.#statusAt] !== DIGIT_2) this.#tally.refused++
    }
    this.#rest -= step
    if (this.#rest === 0) {
      if (this.#type === PUBACK) this.#acknowledged++
      else if (this.#type === PUBLISH) this.#answered++
      this.#type = -1
    }
    return at + step
  }

  #settle(done: number): void {
    const fresh = done - this.#done
    if (fresh === 0) return
    const now = performance.now()
    for (let i = this.#done; i < done; i++) {
      this.#tally.latency.record(now - (this.#sentAt[i % RING_SLOTS] ?? now))
    }
    this.#done = done
    this.#tally.done += fresh
    if (this.#tally.sending) this.send(fresh, now)
  }
}

export interface PatchLinkOptions {
  readonly dialect: Dialect
  readonly inFlight: number
  readonly tally: Tally
}

function encodeRing(dialect: Dialect, deviceId: string): Buffer[] {
  return Array.from({ length: RING_SLOTS }, (_, slot) => {
    const temperature = 1_000 + ((slot * 331) % 9_000)
    const pressure = 1_000 + ((slot * 577) % 9_000)
    const body = { temperature, pressure, uptime: 100_000 + slot }
    return encodePublish({
      topic: topicsOf(dialect).patch(deviceId, FIRST_REQUEST_ID + slot),
      packetId: slot + 1,
      body: JSON.stringify(body),
    })
  })
}

function sliceRing(packets: readonly Buffer[], inFlight: number): Buffer[][] {
  const size = packets[0]?.length ?? 0
  // The first packets once more at the end, so that a run of packets never wraps.
  const ring = Buffer.concat([...packets, ...packets.slice(0, inFlight)])
  return packets.map((_, slot) =>
    Array.from({ length: inFlight }, (_, more) =>
      ring.subarray(slot * size, (slot + more + 1) * size),
    ),
  )
}
