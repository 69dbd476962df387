import { apiOf, type Command, CommandError, UsageError } from '../command.ts'
import { CONFIGURATIONS_PATH, readPairs } from '../configuration.ts'
import { printable } from '../output.ts'

interface Faults {
  readonly targetConditionError?: string
  readonly customMetricQueryErrors?: { readonly [name: string]: string }
}

export const configurationTest: Command = {
  options: [
    { flags: '--target <condition>', description: 'a target condition' },
    { flags: '--metric <name=query>', description: 'a query to count', isRepeatable: true },
  ],
  talksTo: 'server',
  details:
    'Nothing is stored. IoT Hub calls * an error here, and so does this server; as the condition of a\n' +
    'configuration it is good.',
  examples: [
    [`configuration test --target "tags.site = 'b43'"`, 'is the condition right?'],
    [
      'configuration test --metric "cold=SELECT deviceId FROM devices WHERE properties.reported.t < 5"',
      'and the query of a metric?',
    ],
  ],

  async run(input, context) {
    const targetCondition = input.text('target')
    const customMetricQueries = readPairs(input, 'metric')
    if (targetCondition === undefined && !customMetricQueries) {
      throw new UsageError('Nothing to test: give --target or --metric.')
    }
    const faults = await apiOf(input, context).post<Faults>(`${CONFIGURATIONS_PATH}/testQueries`, {
      ...(targetCondition !== undefined && { targetCondition }),
      ...(customMetricQueries && { customMetricQueries }),
    })
    const { out } = context
    if (out.isJson) {
      out.json(faults)
      return
    }
    const lines = [
      ...(faults.targetConditionError ? [`--target: ${faults.targetConditionError}`] : []),
      ...Object.entries(faults.customMetricQueryErrors ?? {}).map(
        ([name, fault]) => `--metric ${name}: ${fault}`,
      ),
    ]
    if (lines.length > 0) throw new CommandError(lines.map(printable).join('\n'))
    out.print('No fault found.')
  },
}
