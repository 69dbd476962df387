import { apiOf, type Command, CommandError } from '../command.ts'
import { printable } from '../output.ts'

/** Its own deadlines together, for the most channels that there can be. */
const DRILL_TIMEOUT_MS = 10 * 60_000

interface DrillView {
  readonly id: string
  readonly hasPassed: boolean
  readonly brokenAt?: string
  readonly steps: readonly {
    readonly step: string
    readonly state: 'passed' | 'failed' | 'skipped'
    readonly detail: string
    readonly channel?: string
  }[]
}

const MARKS = { passed: '✓', failed: '✗', skipped: '–' } as const
const STEP_CHARACTERS = 12

export const securityDrill: Command = {
  options: [
    { flags: '--device <id>', description: 'on this device', defaultText: 'any with an agent' },
  ],
  talksTo: 'server',
  details:
    'A harmless event takes the whole way from the device to a notification, and each step is told.\n' +
    'Nothing runs on the device. The alert is marked, resolved at the end, and counts nowhere.',
  examples: [
    ['security drill', 'would anybody hear of an attack?'],
    ['security drill --device pump-1', 'with the routes and rules of this device'],
  ],

  async run(input, context) {
    const device = input.text('device')
    const body = device === undefined ? {} : { device }
    const api = apiOf(input, context)
    const drill = await api.post<DrillView>('/api/security/drill', body, DRILL_TIMEOUT_MS)
    if (context.out.isJson) context.out.json(drill)
    else for (const step of drill.steps) context.out.print(lineOf(step))
    if (!drill.hasPassed) throw new CommandError(`The drill broke at: ${drill.brokenAt}.`)
  },
}

function lineOf({ step, state, detail, channel }: DrillView['steps'][number]): string {
  const where = channel === undefined ? '' : `${channel}: `
  return `${MARKS[state]} ${step.padEnd(STEP_CHARACTERS)}  ${printable(where + detail)}`
}
