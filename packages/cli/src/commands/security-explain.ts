import { apiOf, type Command, UsageError } from '../command.ts'
import { formatFields, formatTime, printable } from '../output.ts'

interface Answer {
  readonly alertType: string
  readonly displayName: string
  readonly outcome: string
  readonly because: string
  readonly element: number
  readonly alertId?: string
  readonly condition?: string
  readonly held?: readonly string[]
  readonly state?: string
}

interface Explanation {
  readonly deviceId: string
  readonly eventId: string
  readonly name: string
  readonly timeUtc: string
  readonly records: number
  readonly explained: number
  readonly kinds: readonly string[]
  readonly rules: readonly Answer[]
}

const WORDS: { readonly [outcome: string]: string } = {
  raised: 'raised an alert',
  counted: 'counted in an alert',
  flood: 'held back by a flood',
  suppressed: 'suppressed',
  learning: 'held back while learning',
  off: 'held back: rule off',
  notRaised: 'fires, without an alert',
  quiet: 'quiet',
  notAsked: 'not asked',
}

export const securityExplain: Command = {
  arguments: [
    { syntax: '<event>', description: 'its id, of `security events --json` or evidence' },
  ],
  options: [
    { flags: '--device <id>', description: 'the device that sent it' },
    { flags: '--type <type>', description: 'only this rule, such as IoT_WebShell, in full' },
  ],
  talksTo: 'server',
  details:
    'Asks every rule again about the stored event. Rules that depend on what came before answer by\n' +
    'what they remember now.',
  examples: [
    ['security explain ID --device pump-1', 'what it raised, and what each rule lacks'],
    ['security explain ID --device pump-1 --type IoT_ReverseShell', 'one rule, in full'],
  ],

  async run(input, context) {
    const device = input.text('device')
    if (device === undefined) throw new UsageError('Say which device sent it: --device ID.')
    const query = { event: input.argument(0), device, type: input.text('type') }
    const found = await apiOf(input, context).get<Explanation>('/api/security/explain', query)
    const { out } = context
    if (out.isJson) return out.json(found)
    out.print(
      formatFields([
        ['Event', found.eventId],
        ['Name', found.name],
        ['Device', found.deviceId],
        ['Time', formatTime(found.timeUtc)],
        ['Records', `${found.records}, ${found.kinds.join(', ')}`],
      ]),
    )
    const asked = found.rules.filter(({ outcome }) => outcome !== 'notAsked')
    if (asked.length === 0) return out.note('No rule looks at events of this kind.')
    const [only] = asked
    if (asked.length === 1 && only) out.print(`\n${describe(only)}`)
    else out.table(['RULE', 'ANSWER', 'WHY'], asked.map(row))
    if (found.explained < found.records) {
      out.note(`Of its ${found.records} records the first ${found.explained} were asked about.`)
    }
  },
}

function row({ alertType, outcome, because, condition, state }: Answer): readonly string[] {
  const why = outcome === 'quiet' ? `not: ${condition}${state ? ` (${state})` : ''}` : because
  return [alertType, WORDS[outcome] ?? outcome, printable(why)]
}

function describe({ alertType, displayName, outcome, because, held = [], condition }: Answer) {
  const lines = [
    `${alertType}, ${displayName}: ${WORDS[outcome] ?? outcome}`,
    because,
    ...held.map((each) => `  holds  ${each}`),
    ...(condition === undefined ? [] : [`  not    ${condition}`]),
  ]
  return lines.map(printable).join('\n')
}
