import { type ChangeSubject, type FindingChange, subjectOf } from '../findings/finding-change.ts'
import type { Delivery } from './delivery.ts'
import { changeBody, summaryBody } from './notification.ts'
import type { Progress } from './notification-store.ts'
import { admit, closeWindows, hold, type RouteWindow } from './rate-window.ts'
import { isRouted, type Route } from './route.ts'

/** What a channel's deliveries are made with. */
export interface Maker {
  readonly channelId: string
  readonly nowMs: number
  readonly baseUrl: string
  makeId(): string
}

/** What is queued for a channel, and its progress after that. */
export interface Distribution {
  readonly progress: Progress
  readonly deliveries: readonly Delivery[]
}

/**
 * Decides what a channel is told of the next changes of the feed: each change by the first route that
 * wants it, unless the window of this route is full; then its summary tells. Windows that are over are
 * told first. The alert of a fire drill passes any window. Pure.
 *
 * @param routes  those of the channel
 * @param groupOf  the security group of a device, in lower case
 */
export function distribute(
  before: Progress,
  changes: readonly FindingChange[],
  routes: readonly Route[],
  { groupOf, ...maker }: Maker & { readonly groupOf: (deviceId: string) => string },
): Distribution {
  const { open, over } = closeWindows(before.windows, maker.nowMs)
  const windows = new Map(Object.entries(open))
  let number = before.lastNumber
  const deliveries: Delivery[] = over.map(({ routeId, window }) =>
    summaryDelivery(routeId, window, { ...maker, number: ++number }),
  )
  for (const change of changes) {
    const subject = subjectOf(change)
    const group = groupOf(subject.deviceId)
    const route = routes.find((candidate) => isRouted(candidate, subject, group))
    if (!route) continue
    if (subject.drill === undefined) {
      const { isAdmitted, window } = admit(windows.get(route.id), route, maker.nowMs)
      windows.set(route.id, isAdmitted ? window : hold(window, subject, change.sequence))
      if (!isAdmitted) continue
    }
    deliveries.push(changeDelivery(change, subject, { ...maker, number: ++number }))
  }
  const first = changes[0]?.sequence ?? before.cursor + 1
  const progress = {
    ...before,
    windows: Object.fromEntries(windows),
    lastNumber: number,
    cursor: changes.at(-1)?.sequence ?? before.cursor,
    missed: before.missed + Math.max(0, first - before.cursor - 1),
  }
  return { progress, deliveries }
}

type Numbered = Maker & { readonly number: number }

function changeDelivery(change: FindingChange, subject: ChangeSubject, maker: Numbered): Delivery {
  const id = maker.makeId()
  const { kind: event, findingId, severity, type, deviceId, drill } = subject
  const body = changeBody(change, { id, timeMs: maker.nowMs, baseUrl: maker.baseUrl })
  const what = { id, event, orderKey: findingId, severity, type, deviceId, body }
  return { ...fresh(maker), ...what, ...(drill !== undefined && { drill }) }
}

function summaryDelivery(routeId: string, window: RouteWindow, maker: Numbered): Delivery {
  const id = maker.makeId()
  const body = summaryBody(routeId, window, { id, timeMs: maker.nowMs, baseUrl: maker.baseUrl })
  const severity = window.held?.severity ?? 'Informational'
  // A space is in no finding's id of an alert, and no finding waits for a summary.
  const what = { id, event: 'summary' as const, orderKey: `summary ${routeId}`, severity, body }
  return { ...fresh(maker), ...what, type: '', deviceId: '' }
}

function fresh({ channelId, number, nowMs }: Numbered) {
  return { channelId, number, createdMs: nowMs, attempts: 0, nextMs: nowMs, lastError: '' }
}
