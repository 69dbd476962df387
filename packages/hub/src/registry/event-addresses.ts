import { percentDecode } from '@twinward/protocol'
import type { HostNames } from './host-names.ts'

/** How clients write the URLs of an event hub: `sb` as connection strings, the others as links. */
const EVENT_URL = /^(sb|amqps?):\/\/([^/]*)(?:\/(.*))?$/is
const MAX_SEGMENTS = 8

/**
 * The segments below the entity, in lower case, when they are an entity's of this hub: its own name, a
 * host name or its first label, or `messages/events` (10 §6). Empty: the entity itself.
 */
export function belowEntity(
  segments: readonly string[],
  hostNames: HostNames,
): readonly string[] | undefined {
  const [first = '', second = ''] = segments.map((segment) => segment.toLowerCase())
  const isEvents = first === 'messages' && second === 'events'
  if (!isEvents && (first === 'devices' || !hostNames.isHubName(first))) return undefined
  return segments.slice(isEvents ? 2 : 1).map((segment) => segment.toLowerCase())
}

/**
 * Reads `sb://{host}[:{port}][/{entity}[/…]]`, percent-encoded as a whole or in parts: what event
 * readers put tokens for, and what those tokens are for.
 *
 * @returns as `belowEntity`, and nothing for the host as a whole; `undefined` when it is not this hub's
 */
export function parseEventUrl(text: string, hostNames: HostNames): readonly string[] | undefined {
  const whole = text.includes('://') ? text : percentDecode(text)
  const [, , host = '', path = ''] = EVENT_URL.exec(whole ?? '') ?? []
  if (host === '' || !hostNames.matches(host)) return undefined
  const segments = path.split('/').filter((segment) => segment !== '')
  if (segments.length > MAX_SEGMENTS) return undefined
  const decoded = segments.map(percentDecode)
  if (!decoded.every((segment) => segment !== undefined)) return undefined
  return decoded.length === 0 ? [] : belowEntity(decoded, hostNames)
}
