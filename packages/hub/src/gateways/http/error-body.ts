import { type HubError, type HubErrorCode, hubErrors } from '@twinward/protocol'

/** Codes that IoT Hub answers with the bare object of 00 §4.3 over HTTPS. */
const BARE: ReadonlySet<HubErrorCode> = new Set<HubErrorCode>(['ModuleAlreadyExistsOnDevice'])

/** Codes that it answers with that object as the text of `Message` (00 §4.2). */
const NESTED: ReadonlySet<HubErrorCode> = new Set<HubErrorCode>([
  'DeviceNotOnline',
  'DeviceConnectionClosedRemotely',
  'GatewayTimeout',
])

/** One answer that went wrong, as support finds it again: in the answer, in the log. */
export interface Tracking {
  /** The request's `x-ms-request-id`. */
  readonly requestId: string
  readonly nowMs: number
}

/** `{32 hex digits}-G2:-TimeStamp:{ISO 8601}`, as newer hubs write it (00 §4.1). */
export function trackingIdOf({ requestId, nowMs }: Tracking): string {
  return `${requestId.replaceAll('-', '')}-G2:-TimeStamp:${new Date(nowMs).toISOString()}`
}

/** The body of an error: IoT Hub has three shapes, by code (00 §4). */
export function errorBody({ code, message, info }: HubError, tracking: Tracking): object {
  const trackingId = trackingIdOf(tracking)
  const timestampUtc = new Date(tracking.nowMs).toISOString()
  const errorCode = hubErrors[code].number
  if (BARE.has(code)) return { errorCode, message, trackingId, timestampUtc }
  if (NESTED.has(code)) {
    const error = { errorCode, trackingId, message, info: info ?? null, timestampUtc }
    return { Message: JSON.stringify(error), ExceptionMessage: '' }
  }
  return {
    Message: `ErrorCode:${code};${message}`,
    ExceptionMessage: `Tracking ID:${trackingId}`,
  }
}
