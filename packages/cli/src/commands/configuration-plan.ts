import type { JsonValue } from '@twinward/protocol'
import { apiOf, type Command, UsageError } from '../command.ts'
import { printable, shorten } from '../output.ts'
import { readJsonObject } from '../read-json.ts'

/** Twins that are shown; all are counted. */
const DEFAULT_SHOWN = 20
/** Changes of one kind that are told apart. */
const MAX_KINDS = 1000
/** Characters of a value that are shown. */
const MAX_VALUE_CHARACTERS = 60
const PROGRESS_INTERVAL_MS = 2000

interface PlannedTwin {
  readonly deviceId: string
  readonly moduleId?: string
  readonly changes: readonly {
    readonly path: string
    readonly from: JsonValue
    readonly to: JsonValue
    readonly by: string | null
  }[]
  readonly refusal?: string
}

interface PlanPage {
  readonly items: readonly PlannedTwin[]
  readonly continuationToken: string | null
}

export const configurationPlan: Command = {
  arguments: [{ syntax: '[configuration]', description: 'with --remove: the id of the one to go' }],
  options: [
    { flags: '--file <file>', description: 'the configuration as JSON, with its id' },
    { flags: '--remove', description: 'what deleting it would change' },
    {
      flags: '--show <n>',
      description: 'twins that are listed',
      defaultText: String(DEFAULT_SHOWN),
      integer: { min: 0, max: 100_000 },
    },
  ],
  talksTo: 'server',
  details:
    'Nothing is changed. Every twin that would be is looked at, so that the numbers are exact for this\n' +
    'moment. With --json each twin is a line of its own.',
  examples: [
    ['configuration plan --file fan-2.json', 'before it is created or updated'],
    ['configuration plan fan-2 --remove', 'before it is deleted'],
  ],

  async run(input, context) {
    const { out } = context
    const proposal = readProposal(input.argument(0), input.text('file'), input.isSet('remove'))
    const shown = input.integer('show') ?? DEFAULT_SHOWN
    const api = apiOf(input, context)
    const kinds = new Map<string, number>()
    const listed: PlannedTwin[] = []
    let twins = 0
    let refused = 0
    let toldAtMs = Date.now()
    let continuationToken: string | null = null
    do {
      const body = { ...proposal, ...(continuationToken !== null && { continuationToken }) }
      const page: PlanPage = await api.post<PlanPage>('/api/configurations/plan', body)
      for (const twin of page.items) {
        twins += 1
        if (twin.refusal !== undefined) refused += 1
        if (out.isJson) await out.write(`${JSON.stringify(twin)}\n`)
        else if (listed.length < shown) listed.push(twin)
        for (const kind of twin.changes.map(kindOf)) {
          if (kinds.size < MAX_KINDS || kinds.has(kind)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
        }
      }
      continuationToken = page.continuationToken
      if (continuationToken !== null && Date.now() - toldAtMs >= PROGRESS_INTERVAL_MS) {
        out.note(`${twins} twins would change so far`)
        toldAtMs = Date.now()
      }
    } while (continuationToken !== null)
    if (out.isJson) return
    if (twins === 0) return out.note('Nothing would change.')
    out.table(['TWIN', 'PROPERTY', 'NOW', 'THEN', 'BY'], listed.flatMap(rowsOf))
    if (twins > listed.length) out.note(`… and ${twins - listed.length} further twins.`)
    const all = [...kinds].sort(([, a], [, b]) => b - a).map(([kind, n]) => `${n} × ${kind}`)
    out.print(`\n${twins} twins would change:\n  ${all.slice(0, 20).join('\n  ')}`)
    if (refused > 0) out.print(`${refused} of them would refuse it.`)
  },
}

function readProposal(id: string, file: string | undefined, isRemoval: boolean): object {
  if (isRemoval) {
    if (id !== '' && file === undefined) return { removed: id }
    throw new UsageError('With --remove, give the id of the configuration.')
  }
  if (file !== undefined && id === '') {
    return { configuration: readJsonObject('--file', `@${file}`) }
  }
  throw new UsageError('Give --file with a configuration, or an id with --remove.')
}

function kindOf({ path, to }: PlannedTwin['changes'][number]): string {
  return to === null ? `${printable(path)} goes` : `${printable(path)} = ${text(to)}`
}

function rowsOf(twin: PlannedTwin): readonly (readonly string[])[] {
  const { deviceId, moduleId, changes, refusal } = twin
  const name = moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`
  const rows = changes.map(({ path, from, to, by }) => [name, path, text(from), text(to), by ?? ''])
  return refusal === undefined ? rows : [...rows, [name, 'refused', '', refusal, '']]
}

function text(value: JsonValue): string {
  return value === null ? '–' : printable(shorten(JSON.stringify(value), MAX_VALUE_CHARACTERS))
}
