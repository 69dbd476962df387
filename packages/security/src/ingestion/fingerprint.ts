import { createHash } from 'node:crypto'
import type { EventHeader } from './record.ts'

/** Numbers of 32 bits that a fingerprint is stored in: four of the id, one of the content. */
export const FINGERPRINT_WORDS = 5

/**
 * What an event is known by: its id, and a checksum of everything else in it, so that an id that is
 * used twice can be told from an event that comes twice.
 */
export type Fingerprint = readonly [number, number, number, number, number]

/** @param details  JSON text of the event's payload elements */
export function fingerprint(header: EventHeader, details: readonly string[]): Fingerprint {
  const { eventId, name, category, timestampLocal, timestampSent, timeMs } = header
  let content = checksum(OFFSET_BASIS, name)
  content = checksum(content, category)
  content = checksum(content, timestampLocal)
  content = checksum(content, timestampSent ?? String(timeMs))
  for (const text of details) content = checksum(content, text)
  const [a, b, c, d] = wordsOfGuid(eventId) ?? wordsOfText(eventId)
  return [a, b, c, d, content >>> 0]
}

// FNV-1a: who can make two of them equal is the agent itself, which could as well be silent.
const OFFSET_BASIS = 0x811c9dc5
const PRIME = 0x01000193
/** Between two texts, so that a letter that moves from one to the next is seen. */
const SEPARATOR = 0x1f

function checksum(start: number, text: string): number {
  let hash = start
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), PRIME)
  }
  return Math.imul(hash ^ SEPARATOR, PRIME)
}

type Words = readonly [number, number, number, number]

/** Where the digits of each word of a GUID are: `4f7e2b1a-30a1-4c6d-8e52-9d1f6a7b0c11`. */
function wordsOfGuid(text: string): Words | undefined {
  if (text[8] !== '-' || text[13] !== '-' || text[18] !== '-' || text[23] !== '-') return undefined
  const a = hex(text, 0, 8)
  const b = hex(text, 9, 4) * 0x10000 + hex(text, 14, 4)
  const c = hex(text, 19, 4) * 0x10000 + hex(text, 24, 4)
  const d = hex(text, 28, 8)
  return Number.isNaN(a + b + c + d) ? undefined : [a, b, c, d]
}

/** The number at a place of the text, or NaN. */
function hex(text: string, start: number, count: number): number {
  let value = 0
  for (let index = start; index < start + count; index++) {
    const code = text.charCodeAt(index)
    if (code >= 48 && code <= 57) value = value * 16 + code - 48
    // Letters differ from their capitals in one bit.
    else if ((code | 32) >= 97 && (code | 32) <= 102) value = value * 16 + (code | 32) - 87
    else return Number.NaN
  }
  return value
}

/** Ids that only have the length of a GUID. */
function wordsOfText(text: string): Words {
  const digest = createHash('sha256').update(text).digest()
  return [
    digest.readUInt32LE(0),
    digest.readUInt32LE(4),
    digest.readUInt32LE(8),
    digest.readUInt32LE(12),
  ]
}
