import {
  type BinaryMessage,
  type Era,
  MAX_ELEMENTS_PER_MESSAGE,
  MAX_MESSAGE_BYTES,
  MAX_SECURITY_MESSAGE_DEPTH,
  readBinaryMessage,
  readMessageTypeIndicator,
  refuseEnvelope,
  type SecurityEnvelope,
} from '@twinward/protocol'
import type { SecurityMessage } from '../platform.ts'

/** How much of what was refused is kept with the reason, in bytes. */
export const MAX_EXCERPT_BYTES = 4096

/** What a message holds, or why it cannot be read at all. */
export type ReadBody =
  | { readonly envelope: SecurityEnvelope; readonly era: Era }
  | { readonly binary: BinaryMessage; readonly era: Era; readonly version: string }
  | { readonly refusal: string }

const utf8 = new TextDecoder('utf-8', { fatal: true })
/** Agents in C may send command lines that are no UTF-8; what is none becomes U+FFFD. */
const lenientUtf8 = new TextDecoder('utf-8')

/** Reads the body of a security message up to its events, which are judged later. Never throws. */
export function readBody({ application, body }: SecurityMessage): ReadBody {
  if (body.byteLength > MAX_MESSAGE_BYTES) {
    const refusal = `the message has ${body.byteLength} bytes; at most ${MAX_MESSAGE_BYTES} are read`
    return { refusal }
  }
  const mti = Object.hasOwn(application, 'mti') ? application.mti : undefined
  if (typeof mti !== 'string') return readJson(body)
  const indicator = readMessageTypeIndicator(mti)
  if (typeof indicator === 'string') return { refusal: indicator }
  if (indicator.encoding === 'json') return readJson(body)
  const binary = readBinaryMessage(body, (bytes) => lenientUtf8.decode(bytes))
  if ('refusal' in binary) return { refusal: `${binary.refusal} (mti ${mti})` }
  return { binary, era: indicator.source === 'rtos' ? 'rtos' : 'micro', version: indicator.version }
}

function readJson(body: Uint8Array): ReadBody {
  const parsed = parseJson(body)
  if ('refusal' in parsed) return parsed
  const refusal = refuseEnvelope(parsed.value)
  if (refusal !== undefined) return { refusal }
  return refuseExcess(parsed.value as SecurityEnvelope)
}

function parseJson(body: Uint8Array): { value: unknown } | { refusal: string } {
  let text: string
  try {
    text = utf8.decode(body)
  } catch {
    return { refusal: 'the message is not UTF-8 text; a binary one needs the property mti' }
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
  if (elements <= MAX_ELEMENTS_PER_MESSAGE) {
    return { envelope, era: envelope.MessageSchemaVersion === '1.0' ? 'legacy' : 'micro' }
  }
  const limit = MAX_ELEMENTS_PER_MESSAGE
  return { refusal: `the message has ${elements} payload elements; at most ${limit} are read` }
}

/** The beginning of what was refused, as text for a person. */
export function excerptOf(refused: Uint8Array | string): string {
  const bytes = typeof refused === 'string' ? Buffer.from(refused) : refused
  return Buffer.from(bytes.subarray(0, MAX_EXCERPT_BYTES)).toString('utf8')
}
