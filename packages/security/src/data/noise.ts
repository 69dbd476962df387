/** Why a finding raised no alert of its own, or one that is closed already. */
export type HeldBackReason = 'off' | 'learning' | 'suppressed' | 'maintenance' | 'flood'

/** Findings that were held back for one reason: nothing is dropped without being counted. */
export interface HeldBack {
  readonly reason: HeldBackReason
  readonly alertType: string
  /** Id of the suppression; empty for the other reasons. */
  readonly by: string
  readonly count: number
  /** Of the newest of them, by the time of its judgement. */
  readonly lastMs: number
  readonly lastDeviceId: string
}

/** Something that a rule found while its group learned, on one device. */
export interface LearnedValue {
  readonly group: string
  /** Empty: only that the device belongs to the group, so that shares can be told. */
  readonly alertType: string
  /** The extended property, such as `User Name`, and what it was. */
  readonly name: string
  readonly value: string
  readonly deviceId: string
}

/** On how many devices of a group a value was seen. */
export interface LearnedCount {
  readonly alertType: string
  readonly name: string
  readonly value: string
  readonly devices: number
}

/** Values kept of one rule in one group; further ones are counted as held back, and forgotten. */
export const MAX_LEARNED_PER_RULE = 2_000
/** Values among them that one device may show, so that none uses up what is there for all. */
export const MAX_LEARNED_PER_DEVICE = 100
/** Values listed of one group. */
export const MAX_LEARNED_LISTED = 200

/** The part of the finding store that tells what was held back, and what was learned from it. */
export interface NoiseReader {
  /** Everything that was ever held back: one entry per reason, alert type and suppression. */
  heldBack(): Promise<readonly HeldBack[]>
  /** Forgets what a suppression held back. */
  forgetHeldBack(by: string): Promise<void>
  /**
   * How many devices of a group were heard of while it learned, and the values that at least
   * `minDevices` of them showed: those of most devices first, at most `MAX_LEARNED_LISTED`.
   */
  learned(
    group: string,
    minDevices: (devices: number) => number,
  ): Promise<{ readonly devices: number; readonly values: readonly LearnedCount[] }>
}
