import { open, rename, rm } from 'node:fs/promises'
import { apiOf, type Command, CommandError } from '../command.ts'

const NEWLINE = 0x0a

export const deviceExport: Command = {
  arguments: [
    { syntax: '[file]', description: 'the file to write; standard output when it is left out' },
  ],
  options: [{ flags: '--exclude-keys', description: 'without the keys of devices and modules' }],
  talksTo: 'server',
  details:
    'One identity a line, a device before its modules, as `device import` takes it. The file holds ' +
    'keys: keep it as safe as them.',
  examples: [
    ['device export fleet.ndjson', 'everything, with keys'],
    ['device export --exclude-keys | wc -l', 'to another program'],
  ],

  async run(input, context) {
    const file = input.argument(0)
    const { out } = context
    const excludeKeys = input.isSet('excludeKeys')
    const query = excludeKeys ? { excludeKeys: 'true' } : {}
    const chunks = await apiOf(input, context).download('/api/registry/export', query)
    if (file === '') {
      const decoder = new TextDecoder()
      for await (const chunk of chunks) await out.write(decoder.decode(chunk, { stream: true }))
      return
    }
    const lines = await writeFile(file, chunks)
    // The first line of an export without keys says so.
    const identities = excludeKeys ? lines - 1 : lines
    if (out.isJson) out.json({ file, identities })
    else out.print(`Wrote ${identities} devices and modules to ${file}.`)
  },
}

/** The whole file or none. @returns how many lines it has */
async function writeFile(file: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const partial = `${file}.partial`
  let lines = 0
  try {
    const handle = await open(partial, 'w', 0o600)
    try {
      for await (const chunk of chunks) {
        await handle.appendFile(chunk)
        for (const byte of chunk) if (byte === NEWLINE) lines++
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(partial, file)
    return lines
  } catch (error) {
    await rm(partial, { force: true })
    throw new CommandError(`${file} was not written: ${(error as Error).message}`)
  }
}
