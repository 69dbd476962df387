import type { DeviceRef, JsonObject, TwinPatch } from '@twinward/protocol'
import type { Right } from '../registry/policies.ts'

/** Who writes to a twin: for rules that look at rights, and for audits. */
export interface WriteAuthor {
  readonly name: string
  readonly rights: readonly Right[]
}

/** One write to desired, before it happens. */
export interface DesiredChange {
  /** As written; `{}` when the section is cleared. */
  readonly written: TwinPatch
  readonly before: JsonObject
  readonly after: JsonObject
  /** `undefined`: somebody who has shown no right. */
  readonly author: WriteAuthor | undefined
}

/**
 * Looks at writes to desired. Whoever knows what certain properties do to a device brings it; a hub
 * by itself has no opinion.
 */
export interface DesiredReview {
  /**
   * Pure, and may be asked again for the same write.
   *
   * @returns names of properties whose change is to be audited
   * @throws {HubError} to refuse the write
   */
  check(ref: DeviceRef, change: DesiredChange): readonly string[]
  /** A write with names to be audited is durable; its writer waits for what is returned. */
  accepted(
    ref: DeviceRef,
    names: readonly string[],
    author: WriteAuthor | undefined,
  ): Promise<void> | void
  /** What the device is told of a patch; `after` is all that it desires now. */
  told(ref: DeviceRef, patch: TwinPatch, after: JsonObject): TwinPatch
}

export const noReview: DesiredReview = {
  check: () => [],
  accepted: () => {},
  told: (_ref, patch) => patch,
}
