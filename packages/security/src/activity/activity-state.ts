import type { DeviceWindows } from './windows.ts'

/** What the activity watch decided: committed with its alerts or not at all. */
export interface ActivityChanges {
  /** The sequence of the last event of the hub that is accounted for. */
  readonly eventSequence?: number
  /** Each takes the place of the one before of its device; without open windows it goes. */
  readonly windows?: readonly DeviceWindows[]
}

/** The part of the finding store that keeps them. */
export interface ActivityReader {
  /** 0 when new. */
  eventSequence(): Promise<number>
  /** Up to `limit` devices after one, in the order of their ids. */
  windows(limit: number, after?: string): Promise<readonly DeviceWindows[]>
}
