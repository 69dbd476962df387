import type { Api } from '../api-client.ts'
import { apiOf, type Command, CommandError } from '../command.ts'
import { SEVERITIES } from '../finding.ts'
import {
  INDICATOR_KINDS,
  INDICATORS,
  type IndicatorItem,
  type IndicatorView,
  readIndicators,
} from '../indicator.ts'
import { collect, readBounded } from '../read-file.ts'

/** What one request carries at most. */
const PART_ITEMS = 1000
const PART_CHARACTERS = 400_000
const MAX_FILE_BYTES = 32 * 1024 * 1024
const DAY_MS = 24 * 3_600_000

export const securityIndicatorImport: Command = {
  arguments: [{ syntax: '<file>', description: 'the list; - for standard input' }],
  options: [
    { flags: '--source <name>', description: 'the name of the list' },
    { flags: '--kind <kind>', description: 'of every value', choices: INDICATOR_KINDS },
    {
      flags: '--severity <severity>',
      description: 'of alerts that it raises',
      defaultText: "the rule's",
      choices: SEVERITIES,
    },
    {
      flags: '--expires-days <n>',
      description: 'days after which the values no longer count',
      defaultText: 'never',
      integer: { min: 1, max: 3650 },
    },
  ],
  talksTo: 'server',
  details:
    'One value a line (address, network, domain, URL or hash; # begins a comment), or a JSON list of\n' +
    '{"kind", "value", "source", "severity", "confidence", "expiresUtc", "note"}. A value that is\n' +
    'known already is updated. Nothing is fetched: the file is all that the hub gets.',
  examples: [
    [
      'security indicator import bad.txt --source abuse-list --expires-days 30',
      'a list of the month',
    ],
    ['security indicator import pools.txt --kind minerPool', 'places where miners deliver'],
  ],

  async run(input, context) {
    const file = input.argument(0)
    const bytes =
      file === '-'
        ? await collect(context.stdin, MAX_FILE_BYTES, 'Standard input')
        : await readBounded(file, MAX_FILE_BYTES)
    const days = input.integer('expiresDays')
    const common = {
      ...withValue('source', input.text('source')),
      ...withValue('severity', input.text('severity')),
      ...withValue('expiresUtc', days === undefined ? undefined : inDays(days)),
    }
    const items = readIndicators(bytes.toString('utf8'), input.text('kind'))
    if (items.length === 0) throw new CommandError(`${file} holds no indicators.`)
    const imported = await importParts(
      apiOf(input, context),
      items.map((item) => ({ ...common, ...item })),
    )
    if (context.out.isJson) context.out.json({ imported })
    else context.out.print(`Imported ${imported} indicators.`)
  },
}

function inDays(days: number): string {
  return new Date(Date.now() + days * DAY_MS).toISOString()
}

function withValue(name: string, value: string | undefined): { [name: string]: string } {
  return value === undefined ? {} : { [name]: value }
}

/** @returns how many there are in the hub now of what was given */
async function importParts(api: Api, items: readonly IndicatorItem[]): Promise<number> {
  let imported = 0
  for (const part of parts(items)) {
    const body = { items: part }
    const answer = await api.post<{ readonly items: readonly IndicatorView[] }>(INDICATORS, body)
    imported += answer.items.length
  }
  return imported
}

function* parts(items: readonly IndicatorItem[]): Iterable<readonly IndicatorItem[]> {
  let part: IndicatorItem[] = []
  let characters = 0
  for (const item of items) {
    const size = JSON.stringify(item).length
    if (part.length === PART_ITEMS || (part.length > 0 && characters + size > PART_CHARACTERS)) {
      yield part
      part = []
      characters = 0
    }
    part.push(item)
    characters += size
  }
  if (part.length > 0) yield part
}
