import type { Statement } from '@twinward/sqlite'
import {
  MAX_CHANGE_CHARACTERS,
  MAX_CHANGES,
  MAX_REJECTIONS,
  MAX_REJECTIONS_PER_DEVICE,
} from '../../data/finding-limits.ts'
import type { DeviceMemory, FindingBatch } from '../../data/finding-store.ts'
import type { Alert } from '../../detection/alert.ts'
import type { Rejection } from '../../ingestion/record.ts'
import type { AgentState } from '../../posture/agent-state.ts'
import type { Recommendation } from '../../recommendations/recommendation.ts'
import { activityStatements, removeWindows } from './activity.ts'
import { baselineStatements, removeBaselines } from './baselines.ts'
import { countHeldBack, learn } from './noise.ts'

/** The statements of one unit that stores the batch. */
export function commitStatements(batch: FindingBatch): readonly Statement[] {
  const { cursor, alerts = [], recommendations = [], agents = [], memories = [] } = batch
  return [
    ...alerts.map(putAlert),
    ...recommendations.map(putRecommendation),
    ...agents.map(putAgent),
    ...memories.map(putMemory),
    ...addRejections(batch.rejections ?? []),
    ...(batch.heldBack ?? []).map(countHeldBack),
    ...(batch.learned ?? []).map(learn),
    ...baselineStatements(batch),
    ...activityStatements(batch.activity ?? {}),
    ...(cursor === undefined ? [] : [moveCursor(cursor)]),
    ...(alerts.length + recommendations.length === 0 ? [] : [DROP_OLD_CHANGES]),
  ]
}

/** The statements of one unit that forgets the device. */
export function removeStatements(deviceId: string): readonly Statement[] {
  const tables = ['agent', 'memory', 'rejection', 'learned']
  return [
    ...['alert', 'recommendation'].map((table) => ({
      sql: `DELETE FROM ${table} WHERE device_id = ? AND removed_ms IS NULL`,
      params: [deviceId],
    })),
    ...tables.map((table) => ({
      sql: `DELETE FROM ${table} WHERE device_id = ?`,
      params: [deviceId],
    })),
    ...removeBaselines(deviceId),
    removeWindows(deviceId),
  ]
}

const PUT_ALERT = `INSERT INTO alert
  (id, device_id, alert_type, severity, status, dedupe_key, start_ms, end_ms, document)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET
    device_id = excluded.device_id, alert_type = excluded.alert_type,
    severity = excluded.severity, status = excluded.status, dedupe_key = excluded.dedupe_key,
    start_ms = excluded.start_ms, end_ms = excluded.end_ms, document = excluded.document`

function putAlert(alert: Alert): Statement {
  const { id, deviceId, alertType, severity, status, dedupeKey, startTimeMs, endTimeMs } = alert
  return {
    sql: PUT_ALERT,
    params: [
      ...[id, deviceId, alertType, severity, status, dedupeKey],
      ...[startTimeMs, endTimeMs, JSON.stringify(alert)],
    ],
  }
}

const PUT_RECOMMENDATION = `INSERT INTO recommendation
  (id, device_id, recommendation_type, severity, state, changed_ms, document)
  VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET
    device_id = excluded.device_id, recommendation_type = excluded.recommendation_type,
    severity = excluded.severity, state = excluded.state, changed_ms = excluded.changed_ms,
    document = excluded.document`

function putRecommendation(recommendation: Recommendation): Statement {
  const { id, deviceId, recommendationType, severity, state, stateChangedMs } = recommendation
  return {
    sql: PUT_RECOMMENDATION,
    params: [
      ...[id, deviceId, recommendationType, severity, state],
      ...[stateChangedMs, JSON.stringify(recommendation)],
    ],
  }
}

const PUT_AGENT = `INSERT INTO agent (device_id, document) VALUES (?, ?)
  ON CONFLICT (device_id) DO UPDATE SET document = excluded.document`

function putAgent(agent: AgentState): Statement {
  return { sql: PUT_AGENT, params: [agent.deviceId, JSON.stringify(agent)] }
}

const PUT_MEMORY = `INSERT INTO memory (device_id, document) VALUES (?, ?)
  ON CONFLICT (device_id) DO UPDATE SET document = excluded.document`

function putMemory(memory: DeviceMemory): Statement {
  return { sql: PUT_MEMORY, params: [memory.deviceId, JSON.stringify(memory)] }
}

const ADD_REJECTION = 'INSERT INTO rejection (device_id, document) VALUES (?, ?)'

/** How many are too many is known from the counts; without any, neither statement reads a row. */
const DROP_OLDEST_OF_DEVICE = `DELETE FROM rejection WHERE id IN (
  SELECT id FROM rejection WHERE device_id = ? ORDER BY id LIMIT coalesce(max(0,
    (SELECT rejections - ? FROM rejecting_device WHERE device_id = ?)), 0))`

const DROP_OLDEST = `DELETE FROM rejection WHERE id IN (
  SELECT id FROM rejection ORDER BY id LIMIT coalesce(max(0,
    (SELECT count - ? FROM tally WHERE name = 'rejections')), 0))`

function addRejections(rejections: readonly Rejection[]): Statement[] {
  if (rejections.length === 0) return []
  const devices = new Set(rejections.map(({ ref }) => ref.deviceId))
  return [
    ...rejections.map((rejection) => ({
      sql: ADD_REJECTION,
      params: [rejection.ref.deviceId, JSON.stringify(rejection)],
    })),
    ...Array.from(devices, (deviceId) => ({
      sql: DROP_OLDEST_OF_DEVICE,
      params: [deviceId, MAX_REJECTIONS_PER_DEVICE, deviceId],
    })),
    { sql: DROP_OLDEST, params: [MAX_REJECTIONS] },
  ]
}

/** Triggers append to the feed; what it holds beyond its limits goes with the next commit. */
const DROP_OLD_CHANGES: Statement = {
  sql: `DELETE FROM finding_change WHERE sequence <= max(
    (SELECT coalesce(max(sequence), 0) FROM finding_change) - ?,
    (SELECT coalesce(max(sequence), 0) FROM finding_change
      WHERE total <= (SELECT total FROM finding_change_end) - ?))`,
  params: [MAX_CHANGES, MAX_CHANGE_CHARACTERS],
}

function moveCursor(cursor: number): Statement {
  return { sql: 'UPDATE cursor SET sequence = ? WHERE sequence < ?', params: [cursor, cursor] }
}
