import type { TwinPatch } from '@twinward/protocol'
import type { Entry } from '../registry/registry.ts'

/** What was written to a twin; `null` emptied a section. Absent sections were not written. */
export interface WrittenSections {
  readonly tags?: TwinPatch | null
  readonly desired?: TwinPatch | null
  readonly reported?: TwinPatch
}

/**
 * Where services tell what they have committed, before they acknowledge it: so what was acknowledged
 * has its event, if a route wants one. A crash in between leaves a change without an event, which
 * nobody was told had been made.
 *
 * Each call returns `undefined` when no route wants the event; else a promise that resolves when the
 * event is durable.
 *
 * @throws {HubError} (the promise) `ServiceUnavailable` when it cannot be stored now
 */
export interface ChangeEvents {
  /** @param after  the entry after the write */
  twinUpdated(after: Entry, written: WrittenSections): Promise<void> | undefined
  twinReplaced(after: Entry): Promise<void> | undefined
  created(entries: readonly Entry[]): Promise<void> | undefined
  removed(entries: readonly Entry[]): Promise<void> | undefined
  /** Whether `created` and `removed` do anything: then the caller finds out what goes. */
  readonly wantsLifecycle: boolean
}

/** Nobody listens. */
export const NO_EVENTS: ChangeEvents = {
  twinUpdated: () => undefined,
  twinReplaced: () => undefined,
  created: () => undefined,
  removed: () => undefined,
  wantsLifecycle: false,
}
