import { updateAll } from '../bulk-update.ts'
import { apiOf, type Command, type Input, UsageError } from '../command.ts'
import { ALERT_STATUSES, type AlertView, describeAlert, SEVERITIES } from '../finding.ts'

export const securityAlertsUpdate: Command = {
  arguments: [{ syntax: '[id]', description: 'the alert' }],
  options: [
    { flags: '--status <status>', description: 'the new status', choices: ALERT_STATUSES },
    { flags: '--note <text>', description: 'a note to add' },
    { flags: '--assignee <who>', description: 'who works on it; "" for nobody' },
    { flags: '--all', description: 'every alert that the options below say, in place of one' },
    { flags: '--type <type>', description: 'with --all: of this type' },
    { flags: '--device <id>', description: 'with --all: of this device' },
    { flags: '--severity <severity>', description: 'with --all: of it', choices: SEVERITIES },
    {
      flags: '--now <status>',
      description: 'with --all: those that have this status now',
      choices: ALERT_STATUSES,
    },
    { flags: '--from <time>', description: 'with --all: that ended at this time or later' },
    { flags: '--to <time>', description: 'with --all: that began before this time' },
    { flags: '--yes', description: 'with --all: without being asked' },
  ],
  talksTo: 'server',
  examples: [
    ['security alerts update ID --status InProgress --assignee robin', 'take it'],
    ['security alerts update ID --status Dismissed --note "planned test"', 'close it'],
    [
      'security alerts update --all --type IoT_FailedLocalLogin --now Active --status Dismissed',
      'close many; counts them and asks first',
    ],
  ],

  async run(input, context) {
    const change = {
      status: input.text('status'),
      note: input.text('note'),
      assignee: input.text('assignee'),
    }
    if (Object.values(change).every((value) => value === undefined)) {
      throw new UsageError('Nothing to change: give --status, --note or --assignee.')
    }
    const id = input.argument(0)
    const filter = filterOf(input)
    if ((id === '') !== input.isSet('all')) throw new UsageError('Give either an id or --all.')
    const api = apiOf(input, context)
    if (id === '') {
      if (Object.values(filter).every((value) => value === undefined)) {
        throw new UsageError(
          '--all of what? Give --type, --device, --severity, --now, --from or --to.',
        )
      }
      return updateAll(api, context, { filter, change, isSure: input.isSet('yes') })
    }
    const path = `/api/security/alerts/${encodeURIComponent(id)}`
    const alert = await api.patch<AlertView>(path, change)
    if (context.out.isJson) context.out.json(alert)
    else context.out.print(describeAlert(alert))
  },
}

function filterOf(input: Input) {
  return {
    type: input.text('type'),
    device: input.text('device'),
    severity: input.text('severity'),
    status: input.text('now'),
    from: input.text('from'),
    to: input.text('to'),
  }
}
