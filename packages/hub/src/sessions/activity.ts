import type { DeviceRef } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Registry } from '../registry/registry.ts'

/**
 * Writes down when an identity was last connected, as a session begins and ends (01 §1: "eventually
 * consistent"). Moves no etag. Nobody waits for it; what a crash loses is one time stamp.
 *
 * @returns a function that ends the recording
 */
export function recordActivity(
  { registry, bus, clock }: { registry: Registry; bus: EventBus; clock: Clock },
  log: Log,
): () => void {
  const record = (ref: DeviceRef) => {
    const nowMs = clock.now()
    registry
      .change(ref, (entry) => ({
        ...entry,
        identity: {
          ...entry.identity,
          connectionStateUpdatedTimeMs: nowMs,
          lastActivityTimeMs: nowMs,
        },
      }))
      .catch((error) => log.warn({ err: error, ...ref }, 'activity was not recorded'))
  }
  return bus.subscribe((notice) => {
    if (notice.kind === 'session-opened' || notice.kind === 'session-closed') record(notice.ref)
  })
}
