import type { Severity } from '../detection/alert.ts'
import type { ChangeSubject } from '../findings/finding-change.ts'
import { SEVERITIES } from './channel.ts'
import type { Route } from './route.ts'

/** Kinds of findings that a summary counts one by one; the others together. */
const MAX_COUNTED = 50
/** Findings that a summary names. */
const MAX_NAMED = 20
const OTHERS = 'others'

/** What a window of a route did not tell one by one. */
export interface Held {
  readonly count: number
  readonly severity: Severity
  /** By severity and type: `High IoT_ReverseShell`. */
  readonly counts: { readonly [what: string]: number }
  /** Ids of the first. */
  readonly findings: readonly string[]
  readonly firstSequence: number
  readonly lastSequence: number
}

/** How many notifications a route has sent to a channel since the window began. */
export interface RouteWindow {
  readonly startMs: number
  readonly endMs: number
  readonly count: number
  readonly held?: Held
}

/** By route id; only those that are open. */
export interface RouteWindows {
  readonly [routeId: string]: RouteWindow
}

/** Whether a notification goes out now, and the window after that. Pure. */
export function admit(
  window: RouteWindow | undefined,
  route: Route,
  nowMs: number,
): { readonly isAdmitted: boolean; readonly window: RouteWindow } {
  const current = window ?? { startMs: nowMs, endMs: nowMs + route.windowSeconds * 1_000, count: 0 }
  const isAdmitted = current.count < route.limit
  return { isAdmitted, window: isAdmitted ? { ...current, count: current.count + 1 } : current }
}

/** The window with one more that will be told in its summary. Pure. */
export function hold(window: RouteWindow, subject: ChangeSubject, sequence: number): RouteWindow {
  const { severity, type, findingId } = subject
  const { held } = window
  const counts = held?.counts ?? {}
  const wanted = `${severity} ${type}`
  const isNew = !Object.hasOwn(counts, wanted)
  const what = isNew && Object.keys(counts).length >= MAX_COUNTED ? OTHERS : wanted
  const findings = held?.findings ?? []
  const isNamed = findings.includes(findingId) || findings.length >= MAX_NAMED
  return {
    ...window,
    held: {
      count: (held?.count ?? 0) + 1,
      severity: worse(held?.severity ?? severity, severity),
      counts: { ...counts, [what]: (Object.hasOwn(counts, what) ? (counts[what] ?? 0) : 0) + 1 },
      findings: isNamed ? findings : [...findings, findingId],
      firstSequence: held?.firstSequence ?? sequence,
      lastSequence: sequence,
    },
  }
}

/** The windows that are still open, and those that are over and have something to tell. Pure. */
export function closeWindows(windows: RouteWindows, nowMs: number) {
  const open: Record<string, RouteWindow> = {}
  const over: { readonly routeId: string; readonly window: RouteWindow & { held: Held } }[] = []
  for (const [routeId, window] of Object.entries(windows)) {
    const { held } = window
    if (window.endMs > nowMs) open[routeId] = window
    else if (held) over.push({ routeId, window: { ...window, held } })
  }
  return { open, over }
}

/** When the next window ends that has something to tell; `undefined` when none has. */
export function nextSummaryMs(windows: RouteWindows): number | undefined {
  const ends = Object.values(windows).flatMap(({ held, endMs }) => (held ? [endMs] : []))
  return ends.length === 0 ? undefined : Math.min(...ends)
}

function worse(one: Severity, other: Severity): Severity {
  return SEVERITIES.indexOf(other) > SEVERITIES.indexOf(one) ? other : one
}
