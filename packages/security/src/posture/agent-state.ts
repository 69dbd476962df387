import type { Inventory } from './inventory.ts'

/** Counters of one hour; `hour` = hours since the epoch. */
export interface HourCount {
  readonly hour: number
  readonly messages: number
  readonly events: number
  readonly dropped: number
  readonly rejected: number
}

/** What is known about the security agent of one device, from its messages. */
export interface AgentState {
  readonly deviceId: string
  readonly moduleId: string
  readonly agentVersion: string
  readonly agentId: string
  /** `MessageSchemaVersion` of the last message. */
  readonly schema: string
  /** Receive time of the last accepted message; 0 = never. */
  readonly lastMessageMs: number
  /** Events accepted since the beginning. */
  readonly events: number
  /** At most the last 24 hours, oldest first. */
  readonly hours: readonly HourCount[]
  /** Receive time and text of the last configuration error that the agent reported; 0 = none. */
  readonly configErrorMs: number
  readonly configError: string
  /** The last message or event that was refused. */
  readonly lastRejection?: { readonly timeMs: number; readonly reason: string }
  /** `clockOffsetMs` of the last messages, at most `CLOCK_SAMPLES`. */
  readonly clockOffsets?: readonly number[]
  /** From the last `SystemInformation`. */
  readonly inventory?: Inventory
}
