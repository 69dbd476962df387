import { formatTable } from './table.ts'

/** Where a command's results go. Results on standard output, everything else on standard error. */
export interface Output {
  /** The command line asked for JSON. */
  readonly isJson: boolean
  /** A result for people. Texts from devices go through `printable` first. */
  print(text: string): void
  /** A result for programs: one line. */
  json(value: unknown): void
  /** Aligned columns for people. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void
  /** A result that something depends on: resolves once the system has taken the line. */
  deliver(line: string): Promise<void>
  /** A piece of a long result, as it is; resolves when the next may come. */
  write(text: string): Promise<void>
  /** Anything that is not a result. */
  note(text: string): void
}

export interface Streams {
  readonly stdout: {
    write(text: string, done?: (error?: Error | null) => void): unknown
    readonly isTTY?: boolean
    once?(event: 'drain', listener: () => void): unknown
  }
  readonly stderr: { write(text: string): unknown }
}

export function createOutput(
  { stdout, stderr }: Streams,
  { isJson, useColour }: { readonly isJson: boolean; readonly useColour: boolean },
): Output {
  return {
    isJson,
    print: (text) => stdout.write(`${text}\n`),
    json: (value) => stdout.write(`${JSON.stringify(value)}\n`),
    table: (head, rows) => stdout.write(`${formatTable(head, rows, useColour)}\n`),
    deliver: (line) =>
      new Promise((resolve, reject) => {
        stdout.write(`${line}\n`, (error) => (error ? reject(error) : resolve()))
      }),
    write: (text) =>
      new Promise((resolve) => {
        // A stream says `false` when it has enough; what cannot drain takes everything at once.
        if (stdout.write(text) === false && stdout.once) stdout.once('drain', resolve)
        else resolve()
      }),
    note: (text) => stderr.write(`${text}\n`),
  }
}

/**
 * A text from elsewhere as a terminal may show it: control characters, which could move the cursor or
 * rename the window, are spelled out.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** At most `characters` of a text, with an ellipsis where it was cut. */
export function shorten(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, characters - 1)}…`
}

/** `name  value` lines, aligned; values that are missing are left out. */
export function formatFields(
  fields: readonly (readonly [name: string, value: string | undefined])[],
): string {
  const shown = fields.filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${printable(value ?? '')}`).join('\n')
}

/** An object as indented JSON, safe for a terminal. */
export function formatJson(value: unknown): string {
  return (JSON.stringify(value, null, 2) ?? 'null').split('\n').map(printable).join('\n')
}

/** IoT Hub's and our own times for people: `2026-01-31 12:00:00Z`; `never` for none. */
export function formatTime(text: string | null | undefined): string {
  if (!text || text.startsWith('0001-')) return 'never'
  return printable(text).replace('T', ' ').replace(/\.\d+/, '')
}
