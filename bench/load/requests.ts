import { encodePublish } from './packets.ts'
import type { Dialect, Operation } from './plan.ts'
import { topicsOf } from './topics.ts'
import { fillingReported } from './twin.ts'

/** Different requests a device sends in turn; more than are ever in flight. */
const RING_SLOTS = 32
/** Request ids all have two digits, so that all packets of a device have one length. */
const FIRST_REQUEST_ID = 10

/** What a device sends in turn, and what ends each request. */
export interface Requests {
  /** All of one length. */
  readonly packets: readonly Buffer[]
  /** `bytes`: `answerBytes` came, whatever they are; `both`: PUBACK and the answer. */
  readonly doneAt: 'puback' | 'answer' | 'both' | 'bytes'
  /** Only for `bytes`. */
  readonly answerBytes: number
  /** Bytes of an answer's packet, without its fixed header, before the first digit of its status. */
  readonly statusAt: number
}

/** The requests of one device. */
export function encodeRequests(operation: Operation, dialect: Dialect, deviceId: string): Requests {
  const encode = operation === 'patch' ? encodePatch : encodeGet
  const packets = Array.from({ length: RING_SLOTS }, (_, slot) => encode(dialect, deviceId, slot))
  const doneAt = operation === 'patch' ? 'both' : 'answer'
  return {
    packets,
    doneAt: dialect === 'echo' ? 'bytes' : dialect === 'mqtt' ? 'puback' : doneAt,
    answerBytes: packets[0]?.length ?? 0,
    statusAt: 2 + topicsOf(dialect).answerStatusAt(deviceId),
  }
}

/** One patch that fills the reported properties of a device, for others to read. */
export function encodeFilling(dialect: Dialect, deviceId: string): Requests {
  const topic = topicsOf(dialect).patch(deviceId, FIRST_REQUEST_ID)
  const packet = encodePublish({ topic, packetId: 1, body: JSON.stringify(fillingReported) })
  const statusAt = 2 + topicsOf(dialect).answerStatusAt(deviceId)
  return { packets: [packet], doneAt: 'both', answerBytes: 0, statusAt }
}

function encodePatch(dialect: Dialect, deviceId: string, slot: number): Buffer {
  const temperature = 1_000 + ((slot * 331) % 9_000)
  const pressure = 1_000 + ((slot * 577) % 9_000)
  const body = { temperature, pressure, uptime: 100_000 + slot }
  return encodePublish({
    topic: topicsOf(dialect).patch(deviceId, FIRST_REQUEST_ID + slot),
    packetId: slot + 1,
    body: JSON.stringify(body),
  })
}

/** At QoS 0, as the SDKs send it: what a device waits for is the answer. */
function encodeGet(dialect: Dialect, deviceId: string, slot: number): Buffer {
  return encodePublish({
    topic: topicsOf(dialect).get(deviceId, FIRST_REQUEST_ID + slot),
    body: '',
  })
}
