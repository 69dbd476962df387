import { isJsonObject, type JsonValue } from '@twinward/protocol'

/** Bytes that IoT Hub counts for a value: keys and texts in UTF-8, 8 per number, 4 per boolean. */
export function twinBytes(value: JsonValue): number {
  if (typeof value === 'string') return Buffer.byteLength(value.replace(/\p{Cc}/gu, ''))
  if (typeof value === 'number') return 8
  if (typeof value === 'boolean') return 4
  if (value === null) return 0
  if (!isJsonObject(value)) return value.reduce((sum: number, one) => sum + twinBytes(one), 0)
  let sum = 0
  for (const [key, member] of Object.entries(value)) {
    sum += Buffer.byteLength(key) + twinBytes(member)
  }
  return sum
}
