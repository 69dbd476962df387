import type { Connection } from './connection.ts'
import type { Histogram } from './histogram.ts'
import { PUBACK, PUBLISH } from './packets.ts'
import type { Requests } from './requests.ts'

const DIGIT_2 = 0x32

/** What all devices of a run count into. */
export interface Tally {
  done: number
  refused: number
  /** While true, every request that is done is followed by the next. */
  sending: boolean
  readonly latency: Histogram
}

/**
 * One device that keeps `inFlight` requests under way. Everything it sends was encoded before the
 * clock started; of what comes back only fixed headers and the status digit are looked at.
 */
export class RequestLink {
  readonly #connection: Connection
  readonly #tally: Tally
  readonly #requests: Requests
  /** `slices[slot][count - 1]`: `count` packets from `slot` on, to be written at once. */
  readonly #slices: readonly (readonly Buffer[])[]
  readonly #sentAt: Float64Array
  #sent = 0
  #done = 0
  #acknowledged = 0
  #answered = 0
  // The packet being received: its type, and its bytes to come; -1 before the type is known.
  #type = -1
  #length = 0
  #lengthScale = 0
  #rest = 0

  constructor(connection: Connection, requests: Requests, { inFlight, tally }: LinkOptions) {
    this.#connection = connection
    this.#tally = tally
    this.#requests = requests
    this.#sentAt = new Float64Array(requests.packets.length)
    this.#slices = sliceRing(requests.packets, inFlight)
    connection.receive = requests.doneAt === 'bytes' ? this.#receiveBytes : this.#receiveMqtt
  }

  get inFlight(): number {
    return this.#sent - this.#done
  }

  send(count: number, now: number): void {
    const ring = this.#sentAt.length
    const slot = this.#sent % ring
    for (let i = 0; i < count; i++) this.#sentAt[(this.#sent + i) % ring] = now
    this.#sent += count
    const bytes = this.#slices[slot]?.[count - 1]
    if (!bytes) throw new RangeError(`${count} packets are more than may be in flight.`)
    this.#connection.socket.write(bytes)
  }

  readonly #receiveBytes = (_bytes: Uint8Array, length: number): void => {
    this.#answered += length
    this.#settle(Math.floor(this.#answered / this.#requests.answerBytes))
  }

  readonly #receiveMqtt = (bytes: Uint8Array, length: number): void => {
    let at = 0
    while (at < length) {
      if (this.#rest > 0) at = this.#skipBody(bytes, at, length)
      else at = this.#readHeader(bytes[at] ?? 0, at)
    }
    const { doneAt } = this.#requests
    if (doneAt === 'puback') this.#settle(this.#acknowledged)
    else if (doneAt === 'answer') this.#settle(this.#answered)
    else this.#settle(Math.min(this.#acknowledged, this.#answered))
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
    const statusAt = this.#requests.statusAt - (this.#length - this.#rest)
    if (this.#type === PUBLISH && statusAt >= 0 && statusAt < step) {
      if (bytes[at + statusAt] !== DIGIT_2) this.#tally.refused++
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
      this.#tally.latency.record(now - (this.#sentAt[i % this.#sentAt.length] ?? now))
    }
    this.#done = done
    this.#tally.done += fresh
    if (this.#tally.sending) this.send(fresh, now)
  }
}

export interface LinkOptions {
  readonly inFlight: number
  readonly tally: Tally
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
