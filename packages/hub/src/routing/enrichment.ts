import { HubError, type JsonValue, type Twin } from '@twinward/protocol'
import type { StampedMessage } from '../messages/event-log.ts'
import type { Expression } from '../twins/query/ast.ts'
import { evaluate } from '../twins/query/evaluate.ts'
import { mentionedMembers } from '../twins/query/message-paths.ts'
import { parseCondition } from '../twins/query/parse-query.ts'
import { faultIn } from './fault.ts'
import { messageDocument } from './message-document.ts'
import type { Enrichment } from './routing-document.ts'

const HUB_NAME = '$iothubname'
const TWIN_PATH = /^\$twin\b/i

/** An application property that is added to events. */
export interface CompiledEnrichment {
  readonly key: string
  readonly value: string
  /** When the value comes from the sender's twin. */
  readonly path?: Expression
}

/** @throws {HubError} `ArgumentInvalid` for a value that begins like a path of a twin and is none */
export function compileEnrichment({ key, value }: Enrichment): CompiledEnrichment {
  if (!TWIN_PATH.test(value)) return { key, value }
  try {
    const path = parseCondition(value, 'messages')
    const members = mentionedMembers(path)
    if (path.kind === 'path' && members.has('twin')) return { key, value, path }
  } catch (error) {
    throw faultIn(`Enrichment '${key}'`, error)
  }
  throw new HubError(
    'ArgumentInvalid',
    `Enrichment '${key}': after $twin only the path of one property may stand.`,
  )
}

/**
 * The message with what the enrichments add. A twin that lacks a property leaves its path as the text
 * (10 §4). What a sender calls the same is replaced: readers can rely on enrichments. What the hub
 * itself says in its own events stays.
 */
export function enrich(
  enrichments: readonly CompiledEnrichment[],
  message: StampedMessage,
  { twin, hubName }: { readonly twin: Twin | undefined; readonly hubName: string },
): StampedMessage {
  const document = messageDocument(message, twin)
  const added = Object.fromEntries(
    enrichments.map(({ key, value, path }) => {
      if (path) return [key, textOf(evaluate(path, document)) ?? value]
      return [key, value.toLowerCase() === HUB_NAME ? hubName : value]
    }),
  )
  const isOwn = message.source !== undefined && message.source !== 'Telemetry'
  const application = isOwn
    ? { ...added, ...message.application }
    : { ...message.application, ...added }
  return { ...message, application }
}

function textOf(value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null) return undefined
  return typeof value === 'string' ? value : JSON.stringify(value)
}
