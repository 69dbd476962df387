import type { SqlRow, Statement } from '@twinward/sqlite'
import type { Prevalence } from '../../data/finding-store.ts'
import type { Severity } from '../../detection/alert.ts'

/** Devices, types of alerts and types of recommendations, from counts that triggers keep. */
export function prevalenceQueries(limit: number): readonly [Statement, Statement, Statement] {
  return [
    {
      // Alerts about the hub itself have no device.
      sql: `SELECT device_id, alerts FROM open_device WHERE device_id <> ''
        ORDER BY alerts DESC, device_id LIMIT ?`,
      params: [limit],
    },
    {
      sql: `SELECT alert_type, severity, count FROM alert_prevalence
        ORDER BY count DESC, alert_type, severity LIMIT ?`,
      params: [limit],
    },
    {
      sql: `SELECT recommendation_type, severity, count FROM recommendation_tally
        WHERE state = 'Active' ORDER BY count DESC, recommendation_type, severity LIMIT ?`,
      params: [limit],
    },
  ]
}

export function parsePrevalence(
  devices: readonly SqlRow[],
  alerts: readonly SqlRow[],
  recommendations: readonly SqlRow[],
): Prevalence {
  return {
    devices: devices.map(([deviceId, count]) => ({
      deviceId: String(deviceId),
      alerts: Number(count),
    })),
    alerts: alerts.map(([alertType, severity, count]) => ({
      alertType: String(alertType),
      severity: severity as Severity,
      alerts: Number(count),
    })),
    recommendations: recommendations.map(([recommendationType, severity, count]) => ({
      recommendationType: String(recommendationType),
      severity: severity as Severity,
      devices: Number(count),
    })),
  }
}
