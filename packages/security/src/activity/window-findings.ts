import { customAlertType } from '../detection/custom/custom-type.ts'
import type { Finding } from '../detection/evaluate.ts'
import { noticedRecord } from '../detection/hub/hub-record.ts'
import { matchRecord } from '../detection/record-match.ts'
import type { TimeWindowRule } from '../groups/security-group.ts'
import type { OpenWindow, Violation } from './windows.ts'

/** What is found when the count of a window is not what its group allows. Pure. */
export function windowFinding(
  deviceId: string,
  window: OpenWindow,
  rule: TimeWindowRule,
  violation: Violation,
): Finding {
  const { startMs, sizeMs, count } = window
  const endMs = startMs + sizeMs
  const place = { kind: 'window', id: `window:${startMs}`, startMs, endMs }
  const record = noticedRecord({ deviceId }, place, count)
  const limit =
    violation === 'above' ? `more than ${rule.maxThreshold}` : `fewer than ${rule.minThreshold}`
  const start = new Date(startMs).toISOString()
  const end = new Date(endMs).toISOString()
  const match = matchRecord(record, {
    key: '',
    seen: `${count}, ${limit}`,
    detail: `${start} to ${end}`,
    properties: {
      ...{ Count: String(count), 'Window Start': start, 'Window End': end },
      ...{ Minimum: String(rule.minThreshold), Maximum: String(rule.maxThreshold) },
    },
  })
  return { rule: { type: customAlertType(rule.ruleType) }, record, match, element: 0 }
}
