import {
  MAX_ELEMENTS_PER_MESSAGE,
  MAX_MESSAGE_BYTES,
  MAX_SECURITY_MESSAGE_DEPTH,
  refuseEnvelope,
  type SecurityEnvelope,
} from '@twinward/protocol'
import type { SecurityMessage } from '../platform.ts'

/** How much of what was refused is kept with the reason, in bytes. */
export const MAX_EXCERPT_BYTES = 4096

/** The envelope of a message, or why it cannot be read at all. */
export type ReadBody = { readonly envelope: SecurityEnvelope } | { readonly refusal: string }

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads the body of a security message up to its events, which are judged later. Never throws. */
export function readBody({ application, body }: SecurityMessage): ReadBody {
  if (body.byteLength > MAX_MESSAGE_BYTES) {
    const refusal = `the message has ${body.byteLength} bytes; at most ${MAX_MESSAGE_BYTES} are read`
    return { refusal }
  }
  const indicator = Object.hasOwn(application, 'mti') ? application.mti : undefined
  if (typeof indicator === 'string' && isBinary(indicator)) {
    return { refusal: `binary messages are not read yet (mti ${indicator.slice(0, 32)})` }
  }
  const parsed = parseJson(body)
  if ('refusal' in parsed) return parsed
  const refusal = refuseEnvelope(parsed.value)
  if (refusal !== undefined) return { refusal }
  return refuseExcess(parsed.value as SecurityEnvelope)
}

/** The message type indicator is `major.minor-E-S-T`; E = 1 says FlatBuffers, 0 says JSON. */
function isBinary(indicator: string): boolean {
  return /^\d{1,5}\.\d{1,5}-1(-|$)/.test(indicator)
}

function parseJson(body: Uint8Array): { value: unknown } | { refusal: string } {
  let text: string
  try {
    text = utf8.decode(body)
  } catch {
    return { refusal: 'the message is not UTF-8 text' }
  }
  try {
    const value: unknown = JSON.parse(text)
    if (nestsDeeperThan(value, MAX_SECURITY_MESSAGE_DEPTH)) {
      return { refusal: `the message nests deeper than ${MAX_SECURITY_MESSAGE_DEPTH} levels` }
    }
    return { value }
  } catch {
    // The parser's own words quote the text, which would put a sender's bytes into our mouth.
    return { refusal: 'the message is not JSON' }
  }
}

function nestsDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  if (Array.isArray(value)) {
    for (const item of value) if (nestsDeeperThan(item, levels - 1)) return true
    return false
  }
  const members = value as Record<string, unknown>
  for (const name in members) if (nestsDeeperThan(members[name], levels - 1)) return true
  return false
}

function refuseExcess(envelope: SecurityEnvelope): ReadBody {
  let elements = 0
  for (const event of envelope.Events as readonly { Payload?: unknown }[]) {
    const payload = event?.Payload
    if (Array.isArray(payload)) elements += payload.length
  }
  if (elements <= MAX_ELEMENTS_PER_MESSAGE) return { envelope }
  const limit = MAX_ELEMENTS_PER_MESSAGE
  return { refusal: `the message has ${elements} payload elements; at most ${limit} are read` }
}

/** The beginning of what was refused, as text for a person. */
export function excerptOf(refused: Uint8Array | string): string {
  const bytes = typeof refused === 'string' ? Buffer.from(refused) : refused
  return Buffer.from(bytes.subarray(0, MAX_EXCERPT_BYTES)).toString('utf8')
}
