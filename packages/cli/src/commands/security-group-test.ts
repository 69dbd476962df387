import type { Api } from '../api-client.ts'
import { apiOf, type Command, CommandError, type Context } from '../command.ts'
import { formatTime, shorten } from '../output.ts'
import { collect, readBounded } from '../read-file.ts'
import { groupPath } from '../security-group.ts'
import { readGroups } from './security-group-set.ts'

const MAX_FILE_BYTES = 1024 * 1024
/** Runs of the server that one command asks for, each of about ten seconds at most. */
const MAX_RUNS = 60
const RUN_TIMEOUT_MS = 60_000
const VALUE_CHARACTERS = 60
/** Places kept of one rule, as the server keeps them: the newest. */
const MAX_PLACES = 20
/** Values of one rule that are printed. */
const SHOWN_VALUES = 10

interface RuleOutcome {
  readonly ruleType: string
  readonly fired: number
  readonly places: readonly { readonly deviceId: string; readonly timeUtc: string }[]
  readonly values: readonly { readonly value: string; readonly count: number }[]
}

interface DryRun {
  readonly fromUtc: string
  readonly toUtc: string
  readonly coveredFromUtc: string
  readonly isComplete: boolean
  readonly reason: string
  readonly events: number
  readonly rules: readonly RuleOutcome[]
  readonly skipped: readonly { readonly ruleType: string; readonly reason: string }[]
}

export const securityGroupTest: Command = {
  arguments: [{ syntax: '<group>', description: 'the security group' }],
  options: [
    { flags: '--file <file>', description: 'a draft of it; - for standard input' },
    {
      flags: '--days <n>',
      description: 'how far back',
      defaultText: '7',
      integer: { min: 1, max: 365 },
    },
    { flags: '--device <id>', description: 'only events of this device' },
  ],
  talksTo: 'server',
  details:
    'Tries enabled rules on stored events of devices that are in the group now. Nothing is raised\n' +
    'or changed. Findings of one value on one device within an hour would have been one alert.',
  examples: [
    ['security group test plant --days 7', 'how often would its rules have fired?'],
    ['security group test plant --file draft.json --days 30', 'before a draft is set'],
  ],

  async run(input, context) {
    const file = input.text('file')
    const draft = file === undefined ? {} : { rules: await readDraft(file, context) }
    const device = input.text('device')
    const only = device === undefined ? {} : { device }
    const path = `${groupPath(input.argument(0))}/dry-run`
    const first = { days: input.integer('days') ?? 7, ...draft, ...only }
    const outcome = await runAll(apiOf(input, context), path, first, context)
    if (context.out.isJson) return context.out.json(outcome)
    show(outcome, context)
  },
}

/** Goes on where the server ended, until all is read or `MAX_RUNS` is reached. */
async function runAll(api: Api, path: string, first: object, { out }: Context): Promise<DryRun> {
  let whole = await api.post<DryRun>(path, first, RUN_TIMEOUT_MS)
  const { fromUtc, toUtc } = whole
  for (let runs = 1; !whole.isComplete && runs < MAX_RUNS; runs++) {
    out.note(`Read ${whole.events} events, back to ${formatTime(whole.coveredFromUtc)} …`)
    const { days: _, ...rest } = first as { readonly days?: number }
    const body = { ...rest, fromUtc, toUtc: whole.coveredFromUtc }
    whole = { ...merge(whole, await api.post<DryRun>(path, body, RUN_TIMEOUT_MS)), fromUtc, toUtc }
  }
  return whole
}

/** Both together; values that were not among the most frequent of a part are not counted. */
function merge(newer: DryRun, older: DryRun): DryRun {
  const rules = newer.rules.map((rule) => {
    const other = older.rules.find(({ ruleType }) => ruleType === rule.ruleType)
    if (!other) return rule
    const counts = new Map(rule.values.map(({ value, count }) => [value, count]))
    for (const { value, count } of other.values) counts.set(value, (counts.get(value) ?? 0) + count)
    const values = Array.from(counts, ([value, count]) => ({ value, count }))
    return {
      ...rule,
      fired: rule.fired + other.fired,
      places: [...rule.places, ...other.places].slice(0, MAX_PLACES),
      values: values.sort((a, b) => b.count - a.count),
    }
  })
  return { ...older, rules, events: newer.events + older.events }
}

function show(outcome: DryRun, { out }: Context): void {
  const { rules, skipped, events, isComplete, reason } = outcome
  const from = formatTime(isComplete ? outcome.fromUtc : outcome.coveredFromUtc)
  out.print(`${events} event${events === 1 ? '' : 's'} of the group since ${from}.`)
  if (rules.length === 0) out.note('No rule that stored events decide is enabled.')
  else {
    const head = ['RULE', 'FIRED', 'LAST', 'DEVICE']
    const rows = rules.map(({ ruleType, fired, places: [last] }) => {
      const place = last ? [formatTime(last.timeUtc), last.deviceId] : ['never', '']
      return [ruleType, String(fired), ...place]
    })
    out.table(head, rows)
    const values = rules.flatMap(({ ruleType, values }) =>
      values
        .slice(0, SHOWN_VALUES)
        .map(({ value, count }) => [ruleType, shorten(value, VALUE_CHARACTERS), String(count)]),
    )
    if (values.length > 0) out.table(['RULE', 'VALUE', 'TIMES'], values)
  }
  for (const each of skipped) out.note(`${each.ruleType} was not tried: ${each.reason}`)
  if (!isComplete) out.note(`Not all of the time was looked at: ${reason}`)
}

async function readDraft(file: string, { stdin }: Context): Promise<object> {
  const bytes =
    file === '-'
      ? await collect(stdin, MAX_FILE_BYTES, 'Standard input')
      : await readBounded(file, MAX_FILE_BYTES)
  const [draft, ...others] = readGroups(bytes.toString('utf8'), file)
  if (draft && others.length === 0) return draft
  throw new CommandError(`${file} holds ${others.length + 1} groups; a draft is one.`)
}
