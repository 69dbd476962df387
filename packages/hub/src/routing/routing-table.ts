import { MAX_MESSAGE_BYTES, type Twin } from '@twinward/protocol'
import type { MessageSource, StampedMessage } from '../messages/event-log.ts'
import { messageBytes } from '../messages/message-bytes.ts'
import type { Expression } from '../twins/query/ast.ts'
import { matches } from '../twins/query/evaluate.ts'
import { mentionedMembers } from '../twins/query/message-paths.ts'
import { parseCondition } from '../twins/query/parse-query.ts'
import { type CompiledEnrichment, compileEnrichment, enrich } from './enrichment.ts'
import { faultIn } from './fault.ts'
import { messageDocument } from './message-document.ts'
import { MESSAGE_SOURCES, type Route, type RoutingDocument } from './routing-document.ts'

interface CompiledRoute {
  readonly name: string
  readonly condition: Expression
}

/** A routing document, ready to be applied to messages. */
export interface RoutingTable {
  readonly routes: ReadonlyMap<MessageSource, readonly CompiledRoute[]>
  readonly hasFallback: boolean
  readonly enrichments: readonly CompiledEnrichment[]
  /**
   * Whether telemetry is stored as it is, all of it: the fallback leads where routes lead, so no
   * condition needs to be asked.
   */
  readonly isPlain: boolean
  /** Of which sources the sender's twin decides something. */
  readonly needsTwin: ReadonlySet<MessageSource>
}

/** What becomes of a message. */
export type Routed =
  | { readonly outcome: 'stored'; readonly message: StampedMessage }
  /** No route takes it, and nor does the fallback. */
  | { readonly outcome: 'unrouted' }
  /** With its enrichments it is more than a message may be. */
  | { readonly outcome: 'too-large' }

/** @throws {HubError} `ArgumentInvalid` that names the route or enrichment, and the place in it */
export function compileRouting({
  routes,
  fallbackRoute,
  enrichments,
}: RoutingDocument): RoutingTable {
  const bySource = new Map<MessageSource, CompiledRoute[]>()
  const needsTwin = new Set<MessageSource>()
  for (const route of routes) {
    const condition = compileCondition(route)
    const source = MESSAGE_SOURCES[route.source]
    if (!route.isEnabled) continue
    const others = bySource.get(source)
    if (others) others.push({ name: route.name, condition })
    else bySource.set(source, [{ name: route.name, condition }])
    const isDecided = source === 'Telemetry' && fallbackRoute.isEnabled
    if (!isDecided && mentionedMembers(condition).has('twin')) needsTwin.add(source)
  }
  const compiled = enrichments.map((enrichment) => compileEnrichment(enrichment))
  if (compiled.some(({ path }) => path)) {
    for (const source of Object.values(MESSAGE_SOURCES)) needsTwin.add(source)
  }
  const hasFallback = fallbackRoute.isEnabled
  return {
    routes: bySource,
    hasFallback,
    enrichments: compiled,
    isPlain: hasFallback && compiled.length === 0,
    needsTwin,
  }
}

/** The names of the routes that take a message. */
export function matchingRoutes(
  table: RoutingTable,
  message: StampedMessage,
  twin: Twin | undefined,
): readonly string[] {
  const routes = table.routes.get(message.source ?? 'Telemetry')
  if (!routes) return []
  const document = messageDocument(message, twin)
  return routes.filter(({ condition }) => matches(condition, document)).map(({ name }) => name)
}

/** Where a message goes: once to the endpoint, however many routes lead there. */
export function routeMessage(
  table: RoutingTable,
  message: StampedMessage,
  { twin, hubName }: { readonly twin: Twin | undefined; readonly hubName: string },
): Routed {
  if (!isWanted(table, message, twin)) return { outcome: 'unrouted' }
  if (table.enrichments.length === 0) return { outcome: 'stored', message }
  const enriched = enrich(table.enrichments, message, { twin, hubName })
  if (messageBytes(enriched) > MAX_MESSAGE_BYTES) return { outcome: 'too-large' }
  return { outcome: 'stored', message: enriched }
}

function isWanted(table: RoutingTable, message: StampedMessage, twin: Twin | undefined): boolean {
  const source = message.source ?? 'Telemetry'
  if (source === 'Telemetry' && table.hasFallback) return true
  const routes = table.routes.get(source)
  if (!routes) return false
  const document = messageDocument(message, twin)
  return routes.some(({ condition }) => matches(condition, document))
}

function compileCondition({ name, condition }: Route): Expression {
  try {
    return parseCondition(condition, 'messages')
  } catch (error) {
    throw faultIn(`Route '${name}'`, error)
  }
}
