import { HubError } from '@twinward/protocol'
import type { MessageSource } from '../messages/event-log.ts'

/** Routes of a hub, and enrichments of an endpoint (10 §3, §4). */
export const MAX_ROUTES = 100
export const MAX_ENRICHMENTS = 10
/** Characters of the name of a route, of the key of an enrichment. */
const MAX_NAME_CHARACTERS = 64
/** Characters of what an enrichment adds. */
const MAX_VALUE_CHARACTERS = 1024
/** The one endpoint: where event readers read. */
export const BUILT_IN_ENDPOINT = 'events'

/** What may be routed, as Azure Resource Manager spells it. */
export type RouteSource =
  | 'DeviceMessages'
  | 'TwinChangeEvents'
  | 'DeviceLifecycleEvents'
  | 'DeviceConnectionStateEvents'

/** The same as events carry it. */
export const MESSAGE_SOURCES: Readonly<Record<RouteSource, MessageSource>> = {
  DeviceMessages: 'Telemetry',
  TwinChangeEvents: 'twinChangeEvents',
  DeviceLifecycleEvents: 'deviceLifecycleEvents',
  DeviceConnectionStateEvents: 'deviceConnectionStateEvents',
}

/** Sources of IoT Hub that this hub has no events of. */
const OTHER_SOURCES: readonly string[] = ['DeviceJobLifecycleEvents', 'DigitalTwinChangeEvents']

export interface Route {
  readonly name: string
  readonly source: RouteSource
  /** In the language of `twins/query`, about messages. */
  readonly condition: string
  readonly endpointNames: readonly string[]
  readonly isEnabled: boolean
}

/** Where telemetry goes that no route takes. */
export interface FallbackRoute {
  readonly isEnabled: boolean
}

export interface Enrichment {
  readonly key: string
  /** A text, `$iothubname`, or a path below `$twin`. */
  readonly value: string
  readonly endpointNames: readonly string[]
}

/** How events find their endpoint: `properties.routing` of an IoT Hub in Azure Resource Manager. */
export interface RoutingDocument {
  readonly routes: readonly Route[]
  readonly fallbackRoute: FallbackRoute
  readonly enrichments: readonly Enrichment[]
}

/** All telemetry is stored, and nothing else. */
export const DEFAULT_ROUTING: RoutingDocument = {
  routes: [],
  fallbackRoute: { isEnabled: true },
  enrichments: [],
}

/** A route as a caller writes it; `Telemetry` is another word for `DeviceMessages`. */
export interface RouteInput {
  readonly source: string
  /** Default: all. */
  readonly condition?: string
  readonly endpointNames: readonly string[]
  /** Default: true. */
  readonly isEnabled?: boolean
}

export interface RoutingInput {
  readonly routes?: readonly (RouteInput & { readonly name: string })[]
  /** Default: enabled. Its condition can only be `true`, its source only telemetry. */
  readonly fallbackRoute?: Partial<RouteInput>
  readonly enrichments?: readonly Enrichment[]
  /** Custom endpoints by their kind; there are none here. */
  readonly endpoints?: { readonly [kind: string]: unknown }
}

/** @throws {HubError} `ArgumentInvalid` that names the route or enrichment */
export function toDocument(input: RoutingInput): RoutingDocument {
  const { routes = [], enrichments = [], endpoints = {} } = input
  const custom = Object.entries(endpoints).find(
    ([, list]) => Array.isArray(list) && list.length > 0,
  )
  if (custom) throw invalid(`There are no custom endpoints here, such as those of ${custom[0]}.`)
  const document: RoutingDocument = {
    routes: routes.map((route) => toRoute(route.name, route)),
    fallbackRoute: toFallback(input.fallbackRoute),
    enrichments: enrichments.map(toEnrichment),
  }
  checkDocument(document)
  return document
}

function toFallback(input: Partial<RouteInput> = {}): FallbackRoute {
  const { source = 'DeviceMessages', condition = 'true', isEnabled = true } = input
  const endpointNames = input.endpointNames ?? [BUILT_IN_ENDPOINT]
  const route = toRoute('fallback', { source, condition, endpointNames })
  if (route.source === 'DeviceMessages' && route.condition.trim().toLowerCase() === 'true') {
    return { isEnabled }
  }
  throw invalid('The fallback route takes telemetry, whatever it is: its condition is true.')
}

/** What holds for all of it together. @throws {HubError} `ArgumentInvalid` */
export function checkDocument({ routes, enrichments }: RoutingDocument): void {
  if (routes.length > MAX_ROUTES) throw invalid(`A hub may have ${MAX_ROUTES} routes.`)
  if (enrichments.length > MAX_ENRICHMENTS) {
    throw invalid(`An endpoint may have ${MAX_ENRICHMENTS} enrichments.`)
  }
  const route = firstTwice(routes.map(({ name }) => name))
  if (route !== undefined) throw invalid(`There are two routes '${route}'.`)
  const key = firstTwice(enrichments.map((enrichment) => enrichment.key))
  if (key !== undefined) throw invalid(`There are two enrichments '${key}'.`)
}

/** @throws {HubError} `ArgumentInvalid`; the condition is read elsewhere */
export function toRoute(name: string, input: RouteInput): Route {
  checkName('The name of a route', name)
  checkEndpoints(`Route '${name}'`, input.endpointNames)
  const { condition = '', isEnabled = true } = input
  return {
    name,
    source: toSource(`Route '${name}'`, input.source),
    condition: condition.trim() === '' ? 'true' : condition,
    endpointNames: input.endpointNames,
    isEnabled,
  }
}

/** @throws {HubError} `ArgumentInvalid`; a path in its value is read elsewhere */
export function toEnrichment({ key, value, endpointNames }: Enrichment): Enrichment {
  checkName('The key of an enrichment', key)
  checkEndpoints(`Enrichment '${key}'`, endpointNames)
  if (value === '' || value.length > MAX_VALUE_CHARACTERS) {
    throw invalid(
      `Enrichment '${key}': the value must have 1 to ${MAX_VALUE_CHARACTERS} characters.`,
    )
  }
  return { key, value, endpointNames }
}

/** @throws {HubError} `ArgumentInvalid` */
export function toSource(whose: string, written: string): RouteSource {
  const name = written.toLowerCase() === 'telemetry' ? 'DeviceMessages' : written
  const sources = Object.keys(MESSAGE_SOURCES) as RouteSource[]
  const source = sources.find((each) => each.toLowerCase() === name.toLowerCase())
  if (source) return source
  const known = OTHER_SOURCES.some((each) => each.toLowerCase() === name.toLowerCase())
  const problem = known ? `this hub has no ${written}` : `there is no source '${written}'`
  throw invalid(`${whose}: ${problem}; take one of ${sources.join(', ')}.`)
}

function checkName(what: string, name: string): void {
  const isName = name.length <= MAX_NAME_CHARACTERS && /^[A-Za-z0-9._-]+$/.test(name)
  if (isName) return
  throw invalid(`${what} may have 1 to ${MAX_NAME_CHARACTERS} letters, digits and - _ .`)
}

function checkEndpoints(whose: string, names: readonly string[]): void {
  if (names.length === 1 && names[0] === BUILT_IN_ENDPOINT) return
  const other = names.find((name) => name !== BUILT_IN_ENDPOINT)
  const problem =
    other === undefined
      ? `name the endpoint '${BUILT_IN_ENDPOINT}' once`
      : `there is no endpoint '${other}': this hub has '${BUILT_IN_ENDPOINT}' only`
  throw invalid(`${whose}: ${problem}.`)
}

function firstTwice(names: readonly string[]): string | undefined {
  const seen = new Set<string>()
  return names.find((name) => seen.size === seen.add(name).size)
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
