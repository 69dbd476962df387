import { createReadStream, readFileSync } from 'node:fs'
import { CommandError } from './command.ts'

/** @throws {CommandError} when the file cannot be read or holds no certificate */
export function readPem(file: string): string {
  const text = readText(file)
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw new CommandError(`${file} holds no PEM certificate.`)
}

/** @throws {CommandError} */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}`)
  }
}

/** At most `maxBytes` of a file. @throws {CommandError} when it cannot be read or is larger */
export async function readBounded(file: string, maxBytes: number): Promise<Buffer> {
  try {
    return await collect(createReadStream(file), maxBytes, file)
  } catch (error) {
    if (error instanceof CommandError) throw error
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}`)
  }
}

/** The bytes of a stream. @throws {CommandError} when there are more than `maxBytes` */
export async function collect(
  stream: AsyncIterable<Uint8Array>,
  maxBytes: number,
  name: string,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new CommandError(`${name} has more than ${maxBytes} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
