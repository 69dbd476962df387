import type { DeviceRef } from '@twinward/protocol'
import type { HubEvent } from '../../activity/hub-activity.ts'
import type { HubRecord } from '../../ingestion/record.ts'

/** The device id of alerts that are about the hub itself: no device can have it. */
export const THE_HUB = ''

/** Kinds of events that are about the identity that they name; all others are about the hub. */
const OF_A_DEVICE: ReadonlySet<string> = new Set([
  'auth.failure',
  'connection.addresses',
  'desired.change',
])

/** An event of the hub as rules read it. Pure. */
export function hubRecord(event: HubEvent, nowMs: number): HubRecord {
  const { kind, ref, sequence, firstMs, count } = event
  const isOfDevice = ref !== undefined && OF_A_DEVICE.has(kind)
  const place = { eventId: `hub:${sequence}`, sequence, timeMs: firstMs, receivedMs: nowMs }
  return recordOf(event, isOfDevice ? ref : { deviceId: THE_HUB }, { ...place, hits: count })
}

/** What was noticed of a device between two moments, and no single event tells. Pure. */
export function noticedRecord(
  ref: DeviceRef,
  { kind, id, startMs, endMs }: Noticed,
  count: number,
): HubRecord {
  const event: HubEvent = {
    ...{ sequence: 0, kind, outcome: 'success', ref, firstMs: startMs, lastMs: endMs, count },
  }
  const place = { eventId: id, sequence: 0, timeMs: startMs, receivedMs: endMs }
  return recordOf(event, ref, { ...place, hits: count })
}

interface Noticed {
  readonly kind: string
  /** As the event id of the evidence. */
  readonly id: string
  readonly startMs: number
  readonly endMs: number
}

interface Place {
  readonly eventId: string
  readonly sequence: number
  readonly timeMs: number
  readonly receivedMs: number
  readonly hits: number
}

function recordOf(event: HubEvent, ref: DeviceRef, { hits, ...place }: Place): HubRecord {
  return {
    ...{ kind: 'hub', event, hits },
    header: {
      ...{ ref, era: 'micro', agentVersion: '', agentId: '', name: event.kind, category: '' },
      ...{ eventType: '', isEmpty: true, timestampLocal: '', deviations: [], ...place },
    },
  }
}
