import { ApiError } from './api-error.ts'
import { CommandError } from './command.ts'
import { underline } from './underline.ts'

export const ROUTING_PATH = '/api/routing'
/** The one endpoint that a server has. */
export const EVENTS_ENDPOINT = 'events'
export const SOURCES: readonly string[] = [
  'DeviceMessages',
  'TwinChangeEvents',
  'DeviceLifecycleEvents',
  'DeviceConnectionStateEvents',
]

export interface RouteView {
  readonly name: string
  readonly source: string
  readonly condition: string
  readonly endpointNames: readonly string[]
  readonly isEnabled: boolean
}

export interface EnrichmentView {
  readonly key: string
  readonly value: string
  readonly endpointNames: readonly string[]
}

/** The routing of a server as the API shows it. */
export interface RoutingView {
  readonly etag: string
  readonly routes: readonly RouteView[]
  readonly fallbackRoute: RouteView
  readonly enrichments: readonly EnrichmentView[]
}

export function routePath(name: string): string {
  return `${ROUTING_PATH}/routes/${encodeURIComponent(name)}`
}

export function enrichmentPath(key: string): string {
  return `${ROUTING_PATH}/enrichments/${encodeURIComponent(key)}`
}

/** The error with the place that it names, shown in what was written. */
export function pointedOut(error: unknown, text: string): unknown {
  if (!(error instanceof ApiError)) return error
  const at = /at character (\d+):/.exec(error.message)?.[1]
  if (at === undefined) return error
  return new CommandError(`${error.message}\n\n${underline(text, Number(at))}`)
}
