import type { DeviceRef } from '@twinward/protocol'
import type { Connection } from './connection.ts'

/** For the audit log: a device or module was not let in. Nobody waits for it. */
export function tellRefused(
  { parts, remote }: Connection,
  ref: DeviceRef | undefined,
  thrown: unknown,
): void {
  if (ref) void parts.hub.activity.refusals.refused(ref, thrown, remote)
}
