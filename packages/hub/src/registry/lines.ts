import { isUtf8 } from 'node:buffer'

/** A twin takes 72 KB of properties and tags; as JSON, escapes included, a few times that. */
const MAX_LINE_BYTES = 512 * 1024
const NEWLINE = 0x0a

/** A line of a file, without its end. */
export interface Line {
  /** From 1. */
  readonly number: number
  /** Absent for a line over `MAX_LINE_BYTES` and for one that is no UTF-8. */
  readonly text?: string
}

/** The lines that one chunk completed, and how many bytes were read up to its end. */
export interface LineBatch {
  readonly lines: readonly Line[]
  readonly bytes: number
}

/** Splits bytes into lines (`\n` or `\r\n`; the last needs no end). Holds one chunk and one line. */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  firstLine = 1,
): AsyncGenerator<LineBatch> {
  let parts: Uint8Array[] = []
  let size = 0
  let number = firstLine - 1
  let bytes = 0
  const add = (part: Uint8Array) => {
    size += part.byteLength
    if (size <= MAX_LINE_BYTES) parts.push(part)
    else parts = []
  }
  const take = (): Line => {
    const text = size <= MAX_LINE_BYTES ? decode(parts) : undefined
    parts = []
    size = 0
    number++
    return { number, ...(text !== undefined && { text }) }
  }
  for await (const chunk of chunks) {
    bytes += chunk.byteLength
    const lines: Line[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end))
      lines.push(take())
      start = end + 1
    }
    if (start < chunk.byteLength) add(chunk.subarray(start))
    if (lines.length > 0) yield { lines, bytes }
  }
  if (size > 0) yield { lines: [take()], bytes }
}

function decode(parts: readonly Uint8Array[]): string | undefined {
  const line = Buffer.concat(parts)
  if (!isUtf8(line)) return undefined
  const text = line.toString('utf8')
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
}
