import type { DeviceRef } from '@twinward/protocol'
import type { DesiredChanges } from './desired-changes.ts'
import type { FrameReader } from './frames.ts'
import type { PacketFormat } from './writer.ts'

/** Who a connection's packets go to, once the peer has proven who it is. */
export interface ConnectionSession extends PacketFormat {
  /** Of who has an identity already. */
  readonly ref?: DeviceRef
  readonly expiresAtMs: number
  /** Keeps the desired properties' versions in sequence, of who gets them. */
  readonly desired?: DesiredChanges
  handle(frame: FrameReader): void
  /** When to end it if no packet comes any more. */
  deadline(lastPacketMs: number): number
  /** @returns when to look again */
  due(nowMs: number): number
  /** The peer has taken what was written. */
  mayWrite(): void
  /** The connection has ended. `reason` is absent after a DISCONNECT. */
  ended(reason: string | undefined): void
  logSkipped(count: number): void
}
