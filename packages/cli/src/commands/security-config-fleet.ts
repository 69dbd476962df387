import type { JsonObject } from '@twinward/protocol'
import { apiOf, type Command, CommandError, UsageError } from '../command.ts'
import { CONFIGURATIONS_PATH, configurationPath } from '../configuration.ts'
import { printable } from '../output.ts'
import { noteRemark, type Remark } from '../security-view.ts'
import { readChanges, SETTING_ARGUMENT } from '../setting-changes.ts'

const ERAS = ['legacy', 'early', 'micro']

/** What `/api/security/config/fleet` answers. */
interface FleetView {
  readonly content: JsonObject
  readonly targetCondition: string
  readonly warnings: readonly Remark[]
}

/** What the hub answers when it is asked about a condition. */
interface Tested {
  readonly targetConditionError?: string
}

export const securityConfigFleet: Command = {
  arguments: [
    { syntax: '<configuration>', description: 'its id' },
    { ...SETTING_ARGUMENT, description: 'what the agents are to have' },
  ],
  options: [
    { flags: '--era <era>', description: 'of the agents', choices: ERAS, defaultText: 'legacy' },
    { flags: '--group <name>', description: 'of this security group', defaultText: 'all' },
    { flags: '--where <condition>', description: 'a further condition over the modules' },
    { flags: '--module <id>', description: 'of the security modules', defaultText: 'by the era' },
    {
      flags: '--priority <n>',
      description: 'the higher one wins where two say the same setting',
      defaultText: '0',
      integer: { min: 0, max: 2_147_483_647 },
    },
    { flags: '--dry-run', description: 'print the configuration, create nothing' },
  ],
  talksTo: 'server',
  details:
    'Creates an automatic configuration: it applies itself at once to every security module that meets\n' +
    'its conditions, now and later, and its settings go when the module leaves them. It wins over what\n' +
    'hub, group and device say. To see what it would change print it with --dry-run and give it to\n' +
    '"configuration plan --file"; for waves, to "rollout create --configuration @FILE".',
  examples: [
    ['security config fleet hourly snapshotFrequency=PT1H', 'for all agents of the era'],
    [
      'security config fleet strict snapshotFrequency=PT10M ' +
        '--where "tags.posture.openAlerts.high > 0" --priority 10',
      'while a high alert is open',
    ],
  ],

  async run(input, context) {
    const id = input.argument(0)
    const settings = readChanges(input.rest())
    const [empty] = Object.keys(settings).filter((name) => settings[name] === null)
    if (empty !== undefined) {
      throw new UsageError(`'${empty}=': a configuration gives values; leave it out.`)
    }
    const given = {
      era: input.text('era'),
      group: input.text('group'),
      where: input.text('where'),
      moduleId: input.text('module'),
    }
    const options = Object.entries(given).filter(([, value]) => value !== undefined)
    const api = apiOf(input, context)
    const { content, targetCondition, warnings } = await api.post<FleetView>(
      '/api/security/config/fleet',
      { settings, ...Object.fromEntries(options) },
    )
    const { out } = context
    for (const remark of warnings) noteRemark(out, remark)
    const configuration = {
      ...{ id, schemaVersion: '1.0', content, targetCondition },
      priority: input.integer('priority') ?? 0,
    }
    if (input.isSet('dryRun')) {
      const tested = await api.post<Tested>(`${CONFIGURATIONS_PATH}/testQueries`, {
        targetCondition,
      })
      const { targetConditionError: fault } = tested
      if (fault !== undefined) throw new CommandError(printable(`${targetCondition}: ${fault}`))
      return out.json(configuration)
    }
    const created = await api.put(configurationPath(id), configuration)
    if (out.isJson) out.json(created)
    else out.print(`Configuration ${id} is in force: ${targetCondition}`)
  },
}
