import type { DeviceUse } from '../../activity/hub-activity.ts'
import type { Finding } from '../evaluate.ts'
import { matchRecord } from '../record-match.ts'
import type { AlertType } from '../rule.ts'
import { noticedRecord } from './hub-record.ts'

/** So many connections of a device and its modules in one minute are a storm. */
export const STORM_CONNECTS = 30
const MINUTE_MS = 60_000

export const connectionStorm: AlertType = {
  number: 112,
  alertType: 'IoT_ConnectionStorm',
  displayName: 'Connection storm',
  severity: 'Low',
  intent: 'Impact',
  description:
    `The device and its modules connected ${STORM_CONNECTS} times or more within a minute. A program ` +
    'that does not wait before it tries again does so, and two programs with one identity that ' +
    'take the connection from each other.',
  remediationSteps: [
    'Look at how often it connects in the following minutes, and from which addresses.',
    'Check that the program of the device waits longer after each attempt.',
    'If two programs share the identity, give each its own.',
  ],
  techniques: ['T1499'],
}

/** The finding in what a device did in one minute. Pure. */
export function stormFinding(
  { deviceId, counts: { connects = 0 } }: DeviceUse,
  minuteMs: number,
): Finding | undefined {
  if (connects < STORM_CONNECTS) return undefined
  const place = { kind: 'connects', id: `minute:${minuteMs}`, startMs: minuteMs }
  const record = noticedRecord({ deviceId }, { ...place, endMs: minuteMs + MINUTE_MS }, connects)
  const match = matchRecord(record, {
    key: '',
    seen: `${connects} connections in a minute`,
    detail: new Date(minuteMs).toISOString(),
    properties: { Connections: String(connects) },
  })
  return { rule: { type: connectionStorm }, record, match, element: 0 }
}
