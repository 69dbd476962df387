import { randomUUID } from 'node:crypto'
import { IDLE_TIMEOUT_MS, MAX_CHANNEL, MAX_FRAME_BYTES, MIN_FRAME_BYTES } from './limits.ts'
import { Fault } from './wire/fault.ts'
import { AMQP_FRAME, encodeFrame } from './wire/frames.ts'
import { CODE, encodePerformative, type Performative } from './wire/performatives.ts'
import { uint, ushort } from './wire/values.ts'

/** What a peer says of itself when it opens the connection. */
export interface PeerTerms {
  /** The name under which it looks for the hub. */
  readonly hostName: string
  /** What we use of what it takes. */
  readonly frameBytes: number
  /** The silence that it does not stand; `undefined`: any. */
  readonly idleMs: number | undefined
}

/** @throws {Fault} */
export function readOpen({ code, fields }: Performative): PeerTerms {
  if (code !== CODE.open) throw new Fault('amqp:connection:framing-error', 'not an open')
  const frameBytes = fields.uint(2) ?? MAX_FRAME_BYTES
  return {
    hostName: fields.text(1) ?? '',
    frameBytes: Math.min(Math.max(frameBytes, MIN_FRAME_BYTES), MAX_FRAME_BYTES),
    idleMs: fields.uint(4) || undefined,
  }
}

/** Our own, which says what a peer may do (04 §1). */
export function encodeOpen(hostName: string): Buffer {
  const containerId = `${hostName}-${randomUUID()}`
  const limits = [uint(MAX_FRAME_BYTES), ushort(MAX_CHANNEL), uint(IDLE_TIMEOUT_MS)]
  const open = encodePerformative(CODE.open, [containerId, null, ...limits])
  return encodeFrame(AMQP_FRAME, 0, open)
}
