import { isJsonObject, type JsonValue } from '@twinward/protocol'
import { ApiError } from '../api-error.ts'
import { apiOf, type Command, CommandError, UsageError } from '../command.ts'
import { printable, shorten } from '../output.ts'
import { PAGE_OPTIONS } from '../pages.ts'
import { underline } from '../underline.ts'

/** Most results that the server puts into one page. */
const MAX_PAGE_ITEMS = 100
const DEFAULT_LIMIT = 100
/** `--all` stops here: nobody reads more, and it must fit into memory. */
const MAX_ALL_ITEMS = 100_000
const MAX_CELL_CHARACTERS = 60

export const query: Command = {
  arguments: [{ syntax: '<query>', description: 'in the query language of IoT Hub, quoted' }],
  options: PAGE_OPTIONS,
  talksTo: 'server',
  details:
    'SELECT [TOP n] * | properties | aggregates FROM devices | devices.modules ' +
    '[WHERE condition] [GROUP BY property]',
  examples: [
    ['query "SELECT * FROM devices WHERE tags.site = \'north\'"', 'devices by a tag'],
    [
      'query "SELECT * FROM devices.modules WHERE tags.posture.score < 60" --all',
      'security modules with a low score',
    ],
    ['query "SELECT COUNT() AS n FROM devices" --json', 'for a program'],
  ],

  async run(input, context) {
    const isAll = input.isSet('all')
    if (isAll && input.isSet('limit')) throw new UsageError('Give either --all or --limit.')
    const limit = isAll ? MAX_ALL_ITEMS : (input.integer('limit') ?? DEFAULT_LIMIT)
    const text = input.argument(0)
    const api = apiOf(input, context)
    const rows: JsonValue[] = []
    let continuation = ''
    let itemType = ''
    do {
      const maxItems = Math.min(MAX_PAGE_ITEMS, limit - rows.length)
      const page = await api.query(text, maxItems, continuation).catch((error) => {
        throw pointedOut(error, text)
      })
      rows.push(...page.rows)
      continuation = page.continuation
      itemType = page.itemType
    } while (continuation !== '' && rows.length < limit)

    const { out } = context
    if (out.isJson) out.json(rows)
    else if (rows.length === 0) out.note('Nothing matches.')
    else {
      const { head, cells } = itemType === 'Twin' ? twinTable(rows) : rowTable(rows)
      out.table(head, cells)
    }
    if (continuation !== '') {
      out.note(`These are the first ${rows.length}; there are more. Add --all, or a condition.`)
    }
  },
}

interface TableOf {
  readonly head: readonly string[]
  readonly cells: readonly (readonly string[])[]
}

/** What people look for in a list of twins; `--json` and `twin show` have the rest. */
function twinTable(rows: readonly JsonValue[]): TableOf {
  const twins = rows.filter(isJsonObject)
  const members = ['deviceId', 'moduleId', 'status', 'connectionState', 'version', 'tags']
  const shown = members.filter((name) => twins.some((twin) => twin[name] !== undefined))
  const heads: Readonly<Record<string, string>> = {
    deviceId: 'DEVICE',
    moduleId: 'MODULE',
    connectionState: 'CONNECTION',
  }
  return {
    head: shown.map((name) => heads[name] ?? name.toUpperCase()),
    cells: twins.map((twin) => shown.map((name) => cell(twin[name]))),
  }
}

/** A column for every member that a row has, in the order in which they come up. */
function rowTable(rows: readonly JsonValue[]): TableOf {
  const objects = rows.filter(isJsonObject)
  const names = [...new Set(objects.flatMap(Object.keys))]
  return {
    head: names.map(printable),
    cells: objects.map((row) => names.map((name) => cell(row[name]))),
  }
}

function cell(value: JsonValue | undefined): string {
  if (value === undefined) return ''
  return shorten(typeof value === 'string' ? value : JSON.stringify(value), MAX_CELL_CHARACTERS)
}

/** The error with the place that it names, shown in the query. */
function pointedOut(error: unknown, text: string): unknown {
  if (!(error instanceof ApiError)) return error
  const at = /at character (\d+):/.exec(error.message)?.[1]
  if (at === undefined) return error
  return new CommandError(`${error.message}\n\n${underline(text, Number(at))}`)
}
