import type { Prevalence } from '../../data/finding-store.ts'
import type { Alert } from '../../detection/alert.ts'
import { THE_HUB } from '../../detection/hub/hub-record.ts'
import type { Recommendation } from '../../recommendations/recommendation.ts'

/** What there is the most of, among open alerts and active recommendations. */
export function prevalenceOf(
  open: readonly Alert[],
  active: readonly Recommendation[],
  limit: number,
): Prevalence {
  const ofDevices = open.filter(({ deviceId }) => deviceId !== THE_HUB)
  const devices = countBy(ofDevices, ({ deviceId }) => [deviceId])
  const alerts = countBy(open, ({ alertType, severity }) => [alertType, severity])
  const recommendations = countBy(active, (one) => [one.recommendationType, one.severity])
  return {
    devices: devices
      .slice(0, limit)
      .map(({ first: { deviceId }, count }) => ({ deviceId, alerts: count })),
    alerts: alerts
      .slice(0, limit)
      .map(({ first: { alertType, severity }, count }) => ({ alertType, severity, alerts: count })),
    recommendations: recommendations
      .slice(0, limit)
      .map(({ first: { recommendationType, severity }, count }) => ({
        ...{ recommendationType, severity, devices: count },
      })),
  }
}

/** The most frequent first, then by key. */
function countBy<T>(all: readonly T[], keyOf: (one: T) => readonly string[]) {
  const counts = new Map<string, { readonly first: T; count: number }>()
  for (const one of all) {
    const key = keyOf(one).join('\n')
    const same = counts.get(key)
    if (same) same.count++
    else counts.set(key, { first: one, count: 1 })
  }
  return [...counts]
    .sort(([a, { count: m }], [b, { count: n }]) => n - m || (a < b ? -1 : 1))
    .map(([, counted]) => counted)
}
