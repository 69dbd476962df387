import type { HistoryEntry, HistoryFilter } from './configuration-store.ts'

/** What the number of kept entries is bounded for: a device, a group or the hub. */
export function subjectOf({ deviceId, group }: HistoryEntry): string {
  if (deviceId !== null) return deviceSubject(deviceId)
  return group === null ? 'hub' : `group:${group}`
}

export function deviceSubject(deviceId: string): string {
  return `device:${deviceId}`
}

/** The one subject that a filter asks for, if it asks for one. */
export function subjectOfFilter({ deviceId, layer, group }: HistoryFilter): string | undefined {
  if (deviceId !== undefined) return deviceSubject(deviceId)
  if (group !== undefined) return `group:${group}`
  return layer === 'hub' ? 'hub' : undefined
}
