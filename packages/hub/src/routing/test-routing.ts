import { HubError, type JsonObject, type Twin } from '@twinward/protocol'
import type { StampedMessage } from '../messages/event-log.ts'
import { emptySection } from '../twins/patch.ts'
import {
  BUILT_IN_ENDPOINT,
  MESSAGE_SOURCES,
  type RouteSource,
  type RoutingDocument,
  toRoute,
  toSource,
} from './routing-document.ts'
import { compileRouting, matchingRoutes, routeMessage } from './routing-table.ts'

/** A message that somebody wants to know the way of. */
export interface RoutingTest {
  /** Default: telemetry. */
  readonly routingSource?: string
  readonly message: {
    /** Default: empty. */
    readonly body?: string
    readonly appProperties?: { readonly [name: string]: string }
    /** `contentType`, `contentEncoding`, `messageId`, `correlationId`, `userId`,
     * `connectionDeviceId`, `connectionModuleId`; others are refused. */
    readonly systemProperties?: { readonly [name: string]: string }
  }
  readonly twin?: {
    readonly tags?: JsonObject
    readonly properties?: { readonly desired?: JsonObject; readonly reported?: JsonObject }
  }
  /** A condition to try out in place of the routes of the hub. */
  readonly condition?: string
}

export interface RoutingTestResult {
  readonly source: RouteSource
  /** Names of the routes that take it; of a condition alone, `condition`. */
  readonly routes: readonly string[]
  readonly endpointNames: readonly string[]
  /** Whether it is only the fallback that takes it. */
  readonly isFallback: boolean
  /** Application properties with the enrichments; absent when it is not stored. */
  readonly properties?: { readonly [name: string]: string | null }
  /** What is wrong with the condition. */
  readonly fault?: { readonly message: string; readonly position: number }
}

const SYSTEM_NAMES = ['contentType', 'contentEncoding', 'messageId', 'correlationId', 'userId']
const SENDER_NAMES = ['connectionDeviceId', 'connectionModuleId']

/** @throws {HubError} `ArgumentInvalid` for a source or a system property that there is not */
export function testRouting(
  document: RoutingDocument,
  test: RoutingTest,
  hubName: string,
): RoutingTestResult {
  const source = toSource('routingSource', test.routingSource ?? 'DeviceMessages')
  const message = toMessage(test.message, source)
  const twin = toTwin(test.twin)
  const tried = test.condition === undefined ? document : withOnly(document, test.condition, source)
  let table: ReturnType<typeof compileRouting>
  try {
    table = compileRouting(tried)
  } catch (error) {
    const position = error instanceof HubError ? error.info?.position : undefined
    if (!(error instanceof HubError) || typeof position !== 'number') throw error
    const fault = { message: error.message, position }
    return { source, routes: [], endpointNames: [], isFallback: false, fault }
  }
  const routes = matchingRoutes(table, message, twin)
  const routed = routeMessage(table, message, { twin, hubName })
  const isStored = routed.outcome === 'stored'
  return {
    source,
    routes,
    endpointNames: isStored ? [BUILT_IN_ENDPOINT] : [],
    isFallback: isStored && routes.length === 0,
    ...(isStored && { properties: routed.message.application }),
  }
}

function withOnly(
  { enrichments }: RoutingDocument,
  condition: string,
  source: RouteSource,
): RoutingDocument {
  const input = { source, condition, endpointNames: [BUILT_IN_ENDPOINT] }
  const routes = [toRoute('condition', input)]
  return { routes, fallbackRoute: { isEnabled: false }, enrichments }
}

function toMessage(
  { body = '', appProperties = {}, systemProperties = {} }: RoutingTest['message'],
  source: RouteSource,
): StampedMessage {
  const known = [...SYSTEM_NAMES, ...SENDER_NAMES]
  const unknown = Object.keys(systemProperties).find((name) => !known.includes(name))
  if (unknown !== undefined) {
    throw new HubError(
      'ArgumentInvalid',
      `systemProperties: '${unknown}' is none of ${known.join(', ')}.`,
    )
  }
  const { connectionDeviceId = 'device', connectionModuleId: moduleId } = systemProperties
  const own = Object.entries(systemProperties).filter(([name]) => SYSTEM_NAMES.includes(name))
  return {
    ref: { deviceId: connectionDeviceId, ...(moduleId !== undefined && { moduleId }) },
    system: Object.fromEntries(own),
    application: appProperties,
    body: Buffer.from(body),
    enqueuedTimeMs: 0,
    generationId: '',
    authMethod: '',
    ...(source !== 'DeviceMessages' && { source: MESSAGE_SOURCES[source] }),
  }
}

function toTwin(twin: RoutingTest['twin']): Twin | undefined {
  if (!twin) return undefined
  const section = emptySection(0)
  const { desired = {}, reported = {} } = twin.properties ?? {}
  return {
    etag: 0,
    version: 0,
    tags: twin.tags ?? {},
    desired: { ...section, values: desired },
    reported: { ...section, values: reported },
  }
}
