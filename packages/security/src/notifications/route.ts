import { HubError } from '@twinward/protocol'
import type { Severity } from '../detection/alert.ts'
import { CHANGE_KINDS, type ChangeKind, type ChangeSubject } from '../findings/finding-change.ts'
import { SEVERITIES } from './channel.ts'
import { NAME_PATTERN } from './channel-settings.ts'
import { matchesGlob } from './glob.ts'

/** Patterns, names and channels of one route. */
export const MAX_ROUTE_ITEMS = 50
export const MAX_PATTERN_CHARACTERS = 256
/** Notifications of a route in one window, and how long a window may be. */
export const MAX_PER_WINDOW = 10_000
export const MIN_WINDOW_SECONDS = 10
export const MAX_WINDOW_SECONDS = 86_400

/** Which changed findings go to which channels. Everything that it says must hold. */
export interface Route {
  readonly id: string
  readonly isEnabled: boolean
  /** Ids of channels. */
  readonly channels: readonly string[]
  readonly minimumSeverity: Severity
  /** Patterns of alert and recommendation types; one must match. */
  readonly types: readonly string[]
  readonly kinds: readonly ChangeKind[]
  /** Names of security groups, in lower case; none = all. */
  readonly groups: readonly string[]
  /** Patterns of device ids; one must match. */
  readonly devices: readonly string[]
  /**
   * So many notifications go out in a window; the rest is told in one summary at its end. 0: only
   * summaries.
   */
  readonly limit: number
  readonly windowSeconds: number
}

/** A route that takes everything. */
export const EVERYTHING: Omit<Route, 'id' | 'channels'> = {
  isEnabled: true,
  minimumSeverity: 'Informational',
  types: ['*'],
  kinds: CHANGE_KINDS,
  groups: [],
  devices: ['*'],
  limit: 60,
  windowSeconds: 60,
}

/**
 * The route that was given, on top of the one that it changes. Pure.
 *
 * @param given  already of the right types
 * @throws {HubError} `ArgumentInvalid` that names the member
 */
export function readRoute(
  given: Partial<Route> & { readonly id: string },
  before: Partial<Route> = {},
): Route {
  if (!new RegExp(NAME_PATTERN).test(given.id)) {
    throw new HubError('ArgumentInvalid', `The id of a route matches ${NAME_PATTERN}.`)
  }
  const route: Route = { ...EVERYTHING, channels: [], ...before, ...given }
  const lists = ['channels', 'types', 'kinds', 'devices'] as const
  for (const name of lists) {
    if (route[name].length > 0) continue
    throw new HubError('ArgumentInvalid', `${name} must name at least one.`)
  }
  return { ...route, groups: route.groups.map((group) => group.toLowerCase()) }
}

/**
 * Whether the route wants to tell of a change. What is expected is told by none; of a fire drill only
 * the alert that it opens is.
 *
 * @param group  the security group of the finding's device, in lower case
 */
export function isRouted(route: Route, subject: ChangeSubject, group: string): boolean {
  const { kind, severity, type, deviceId, drill, isExpected = false } = subject
  return (
    route.isEnabled &&
    !isExpected &&
    (drill === undefined || kind === 'alert-opened') &&
    route.kinds.includes(kind) &&
    SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(route.minimumSeverity) &&
    route.types.some((pattern) => matchesGlob(pattern, type)) &&
    route.devices.some((pattern) => matchesGlob(pattern, deviceId)) &&
    (route.groups.length === 0 || route.groups.includes(group))
  )
}
