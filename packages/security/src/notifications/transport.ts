import type { Channel } from './channel.ts'
import type { Delivery } from './delivery.ts'

/** Why a delivery did not arrive. */
export interface SendFailure {
  /** For a person, without secrets. */
  readonly reason: string
  /** The other end will never take this one, however often it is sent. */
  readonly isPermanent?: boolean
}

/** How a channel reaches its other end. Adapters: `adapters/notify`. */
export interface Transport {
  /** Deliveries that one call may carry. */
  readonly batch: number
  /** After a call the next waits so long, so that it tells more at once. */
  readonly pauseMs: number
  /**
   * Sends in order. Takes at most twice `ATTEMPT_TIMEOUT_MS`, once to connect and once to send; ends at
   * once when it is closed meanwhile. Does not throw.
   *
   * @returns for each delivery why it failed, or `undefined` once the other end has it
   */
  send(deliveries: readonly Delivery[]): Promise<readonly (SendFailure | undefined)[]>
  close(): Promise<void>
}

export type OpenTransport = (channel: Channel) => Transport
