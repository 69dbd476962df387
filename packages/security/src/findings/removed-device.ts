import type { Clock } from '../clock.ts'
import type { FindingStore, Page } from '../data/finding-store.ts'
import type { Alert } from '../detection/alert.ts'
import { changeStatus, ENGINE } from '../detection/alerts.ts'
import type { Recommendation } from '../recommendations/recommendation.ts'
import { leave } from '../recommendations/states.ts'

/** What is noted with the end of each finding. */
export const REMOVED_NOTE = 'The device was removed.'
/** Findings that are read and written in one step. */
const PAGE_ITEMS = 100

interface Ports {
  readonly findings: FindingStore
  readonly clock: Pick<Clock, 'now'>
}

/**
 * Closes what is open of a device that is gone, puts its alerts and recommendations away under keys that
 * no other device of its id comes by, and forgets the rest of it. What was done before changes nothing,
 * so that it may be repeated after a crash. To be used within the serial changes of findings.
 *
 * @returns whether there was anything to close
 */
export async function retireFindings(
  { findings, clock }: Ports,
  deviceId: string,
): Promise<boolean> {
  const removedMs = clock.now()
  // All are read first: a change of state moves a recommendation in the list.
  const recommendations = await all((page) => findings.listRecommendations({ deviceId, ...page }))
  const alerts = await all((page) => findings.listAlerts({ deviceId, ...page }))
  const left = recommendations.filter(isLeft).map((one) => leave(one, removedMs, REMOVED_NOTE))
  const open = alerts.filter(isLeft)
  for (let from = 0; from < left.length; from += PAGE_ITEMS) {
    const page = left.slice(from, from + PAGE_ITEMS)
    await findings.commit({ recommendations: page })
    await findings.commit({ recommendations: page.map((one) => putAway(one, removedMs)) })
  }
  for (let from = 0; from < open.length; from += PAGE_ITEMS) {
    const page = open.slice(from, from + PAGE_ITEMS)
    await findings.commit({ alerts: page.map((one) => retireAlert(one, removedMs)) })
  }
  // The recommendations under their old ids go with the rest.
  await findings.removeDevice(deviceId)
  return left.length + open.length > 0
}

/** Closed, and found by no further finding. Pure. */
export function retireAlert(alert: Alert, removedMs: number): Alert {
  const change = { status: 'Resolved', timeMs: removedMs, by: ENGINE, note: REMOVED_NOTE } as const
  const isOpen = alert.status === 'Active' || alert.status === 'InProgress'
  const closed = isOpen ? changeStatus(alert, change) : alert
  const dedupeKey = `${alert.dedupeKey}|${removedMs}`
  return { ...closed, dedupeKey, deviceRemovedMs: removedMs }
}

function putAway(recommendation: Recommendation, removedMs: number): Recommendation {
  const id = `${recommendation.id}|${removedMs}`
  return { ...recommendation, id, deviceRemovedMs: removedMs }
}

function isLeft({ deviceRemovedMs }: { readonly deviceRemovedMs?: number }): boolean {
  return deviceRemovedMs === undefined
}

async function all<T>(
  list: (page: { limit: number; continuationToken?: string }) => Promise<Page<T>>,
): Promise<readonly T[]> {
  const found: T[] = []
  for (let token: string | null | undefined; token !== null; ) {
    const page = await list({
      limit: PAGE_ITEMS,
      ...(token !== undefined && { continuationToken: token }),
    })
    found.push(...page.items)
    token = page.continuationToken
  }
  return found
}
