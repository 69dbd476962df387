import { type Context, type Input, type Option, UsageError } from './command.ts'
import { collect, readBounded } from './read-file.ts'

/** Where the body and the properties of a message come from. */
export const MESSAGE_BODY_OPTIONS: readonly Option[] = [
  { flags: '--file <file>', description: 'the body; - reads standard input' },
  { flags: '--data <text>', description: 'the body as text' },
  {
    flags: '--property <name=value>',
    description: 'an application property',
    isRepeatable: true,
  },
]

/** @throws {UsageError} unless exactly one of --file and --data says what it is */
export async function readMessageBody(
  input: Input,
  { stdin }: Context,
  maxBytes: number,
): Promise<Buffer> {
  const file = input.text('file')
  const text = input.text('data')
  if ((file === undefined) === (text === undefined)) {
    throw new UsageError('Give the body with one of --file and --data.')
  }
  if (file === '-') return collect(stdin, maxBytes, 'Standard input')
  if (file !== undefined) return readBounded(file, maxBytes)
  const body = Buffer.from(text ?? '')
  if (body.byteLength <= maxBytes) return body
  throw new UsageError(`A message takes at most ${maxBytes} bytes.`)
}

/** @throws {UsageError} for a pair without a name or without `=` */
export function readProperties(pairs: readonly string[]): { readonly [name: string]: string } {
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf('=')
      if (equals < 1) throw new UsageError(`--property ${pair}: expected name=value.`)
      return [pair.slice(0, equals), pair.slice(equals + 1)]
    }),
  )
}
