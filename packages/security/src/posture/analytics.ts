import type { FindingStore, FindingSummary } from '../data/finding-store.ts'
import type { Severity } from '../detection/alert.ts'
import { HUB_TYPES } from '../recommendations/hub/assess-hub.ts'
import type { FleetPoint, Scores } from './scores.ts'

/** Devices and types that are named of each kind, as the vendor's model had it. */
const TOP = 3
const HISTORY_DAYS = 30

/** Counts of what is open, as the vendor's model had it; Informational is in none. */
export interface SeverityMetrics {
  readonly high: number
  readonly medium: number
  readonly low: number
}

/** The state of the fleet in numbers (security 09 §5.2), and how its score came to be. */
export interface Analytics extends FindingSummary {
  /** Open alerts and active recommendations. */
  readonly metrics: SeverityMetrics
  /** Devices with any of them. */
  readonly unhealthyDeviceCount: number
  /** By day, devices by the worst that was open on them at its end. */
  readonly devicesMetrics: readonly {
    readonly date: string
    readonly devicesMetrics: SeverityMetrics
  }[]
  readonly topAlertedDevices: {
    readonly value: readonly { readonly deviceId: string; readonly alertsCount: number }[]
  }
  readonly mostPrevalentDeviceAlerts: {
    readonly value: readonly {
      readonly alertType: string
      readonly alertDisplayName: string
      readonly reportedSeverity: Severity
      readonly alertsCount: number
    }[]
  }
  readonly mostPrevalentDeviceRecommendations: {
    readonly value: readonly {
      readonly recommendationType: string
      readonly recommendationDisplayName: string
      readonly reportedSeverity: Severity
      readonly devicesCount: number
    }[]
  }
  /** Of the last `HISTORY_DAYS` days, oldest first. */
  readonly scoreHistory: readonly Pick<FleetPoint, 'date' | 'score' | 'devices'>[]
}

/** Everything comes from counts that are kept; nothing is counted here. */
export async function readAnalytics(findings: FindingStore, scores: Scores): Promise<Analytics> {
  const [summary, totals, history, prevalence] = await Promise.all([
    findings.summary(),
    scores.totals(),
    scores.history(undefined, HISTORY_DAYS),
    // Those about the hub itself are none of a device.
    findings.prevalence(TOP + HUB_TYPES.length),
  ])
  const ofDevices = prevalence.recommendations.filter(
    ({ recommendationType }) => !isAboutHub(recommendationType),
  )
  const { openAlerts, activeRecommendations } = summary
  const both = (severity: Severity) => openAlerts[severity] + activeRecommendations[severity]
  return {
    ...summary,
    metrics: { high: both('High'), medium: both('Medium'), low: both('Low') },
    unhealthyDeviceCount: totals.high + totals.medium + totals.low,
    devicesMetrics: history.map(({ date, high, medium, low }) => ({
      date,
      devicesMetrics: { high, medium, low },
    })),
    topAlertedDevices: {
      value: prevalence.devices
        .slice(0, TOP)
        .map(({ deviceId, alerts }) => ({ deviceId, alertsCount: alerts })),
    },
    mostPrevalentDeviceAlerts: {
      value: await Promise.all(
        prevalence.alerts.slice(0, TOP).map(async ({ alertType, severity, alerts }) => ({
          alertType,
          alertDisplayName: await nameOfAlert(findings, alertType),
          reportedSeverity: severity,
          alertsCount: alerts,
        })),
      ),
    },
    mostPrevalentDeviceRecommendations: {
      value: await Promise.all(
        ofDevices.slice(0, TOP).map(async ({ recommendationType, severity, devices }) => ({
          recommendationType,
          recommendationDisplayName: await nameOfRecommendation(findings, recommendationType),
          reportedSeverity: severity,
          devicesCount: devices,
        })),
      ),
    },
    scoreHistory: history.map(({ date, score, devices }) => ({ date, score, devices })),
  }
}

function isAboutHub(name: string): boolean {
  return HUB_TYPES.some(({ recommendationType }) => recommendationType === name)
}

/** As the newest of its type is called. */
async function nameOfAlert(findings: FindingStore, alertType: string): Promise<string> {
  const { items } = await findings.listAlerts({ alertType, limit: 1 })
  return items[0]?.displayName ?? alertType
}

async function nameOfRecommendation(
  findings: FindingStore,
  recommendationType: string,
): Promise<string> {
  const { items } = await findings.listRecommendations({ recommendationType, limit: 1 })
  return items[0]?.displayName ?? recommendationType
}
