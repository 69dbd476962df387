import { isLocalLogin } from '../detection/login-source.ts'
import type { TimeWindowRuleName } from '../groups/rule-types.ts'
import type { SecurityRecord } from '../ingestion/record.ts'
import type { DeviceUse, HubCounter } from './hub-activity.ts'
import type { Counted } from './windows.ts'

/** Rules on what the hub counts. */
const HUB_COUNTERS: ReadonlyMap<TimeWindowRuleName, HubCounter> = new Map([
  ['AmqpC2DMessagesNotInAllowedRange', 'amqpC2D'],
  ['AmqpC2DRejectedMessagesNotInAllowedRange', 'amqpC2DRejected'],
  ['AmqpD2CMessagesNotInAllowedRange', 'amqpD2C'],
  ['DirectMethodInvokesNotInAllowedRange', 'directMethodInvokes'],
  ['FileUploadsNotInAllowedRange', 'fileUploads'],
  ['HttpC2DMessagesNotInAllowedRange', 'httpC2D'],
  ['HttpC2DRejectedMessagesNotInAllowedRange', 'httpC2DRejected'],
  ['HttpD2CMessagesNotInAllowedRange', 'httpD2C'],
  ['MqttC2DMessagesNotInAllowedRange', 'mqttC2D'],
  ['MqttC2DRejectedMessagesNotInAllowedRange', 'mqttC2DRejected'],
  ['MqttD2CMessagesNotInAllowedRange', 'mqttD2C'],
  ['QueuePurgesNotInAllowedRange', 'queuePurges'],
  ['TwinUpdatesNotInAllowedRange', 'twinUpdates'],
  ['UnauthorizedOperationsNotInAllowedRange', 'unauthorizedOperations'],
])

/** Whether the hub counts for rules of this type; for the others records of agents do. */
export function isCountedByHub(ruleType: TimeWindowRuleName): boolean {
  return HUB_COUNTERS.has(ruleType)
}

/** What a device's minute adds to a rule of this type. */
export function countOfUse(ruleType: TimeWindowRuleName, { counts }: DeviceUse): number {
  const counter = HUB_COUNTERS.get(ruleType)
  return (counter && counts[counter]) ?? 0
}

/** What a record of an agent adds to a rule of this type; a record that stands for several counts as many. */
export function countOfRecord(
  ruleType: TimeWindowRuleName,
  record: SecurityRecord,
): Counted | undefined {
  const isCounted =
    ruleType === 'ActiveConnectionsNotInAllowedRange'
      ? record.kind === 'conn'
      : ruleType === 'FailedLocalLoginsNotInAllowedRange' &&
        record.kind === 'login' &&
        record.result === 'fail' &&
        isLocalLogin(record)
  return isCounted ? { timeMs: record.header.timeMs, times: Math.max(1, record.hits) } : undefined
}
