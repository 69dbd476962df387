import { writeFile } from 'node:fs/promises'
import { type CheckSetView, CUSTOM_CHECKS } from '../baseline.ts'
import { apiOf, type Command, CommandError } from '../command.ts'
import { printable } from '../output.ts'
import { collect, readBounded } from '../read-file.ts'

const MAX_FILE_BYTES = 2 * 1024 * 1024

interface ImportedView extends CheckSetView {
  readonly warnings: readonly string[]
}

export const securityBaselineImport: Command = {
  arguments: [{ syntax: '<file>', description: 'XML or JSON; - for standard input' }],
  options: [{ flags: '--output <file>', description: 'also writes what agents get to this file' }],
  talksTo: 'server',
  details:
    "Takes the XML of Microsoft's agents, or a document of /schemas/baseline/custom-checks.json.\n" +
    'Scripts that repair things are left out. What cannot be read is refused with its line. Agents\n' +
    'get the checks by the link that is printed. Legacy agents read the XML itself: put it on the\n' +
    'device, and tell the agent its path and the SHA-256 of the XML.',
  examples: [
    ['security baseline import checks.xml', 'stores the checks, prints hash and link'],
    ['security baseline import checks.xml --output checks.json', 'and keeps the document'],
  ],

  async run(input, context) {
    const file = input.argument(0)
    const bytes =
      file === '-'
        ? await collect(context.stdin, MAX_FILE_BYTES, 'Standard input')
        : await readBounded(file, MAX_FILE_BYTES)
    const api = apiOf(input, context)
    const body = bodyOf(bytes.toString('utf8'), file)
    const { warnings, ...set } = await api.post<ImportedView>(CUSTOM_CHECKS, body)
    const output = input.text('output')
    if (output !== undefined) {
      const document = await api.get<object>(set.path)
      // As it came, the hash of the file is the name of the checks.
      await writeFile(output, JSON.stringify(document))
    }
    const { out } = context
    for (const warning of warnings) out.note(printable(warning))
    if (out.isJson) return out.json({ ...set, warnings })
    out.print(`Imported ${set.checks} checks.`)
    out.print(`SHA-256   ${set.sha256}`)
    out.print(`Link      ${set.path}`)
    out.print(`Benchmark ${set.benchmark}`)
    if (set.xmlSha256 !== '') out.print(`XML       ${set.xmlSha256} (SHA-256, for legacy agents)`)
  },
}

function bodyOf(text: string, file: string): object {
  if (text.trimStart().startsWith('<')) return { xml: text }
  try {
    return { document: JSON.parse(text) }
  } catch {
    throw new CommandError(`${file} is neither XML nor JSON.`)
  }
}
