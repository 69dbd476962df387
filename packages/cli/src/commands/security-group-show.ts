import { apiOf, type Command } from '../command.ts'
import { formatFields, formatTime } from '../output.ts'
import { enabledRules, type GroupView, groupPath, shownSettings } from '../security-group.ts'

export const securityGroupShow: Command = {
  arguments: [{ syntax: '<group>', description: 'the security group' }],
  talksTo: 'server',
  details: 'With --json all rule types, disabled ones too; that can be given to `set --file`.',
  examples: [
    ['security group show plant', 'its enabled rules and its settings'],
    ['security group show plant --json', 'whole, as `set --file` takes it'],
  ],

  async run(input, context) {
    const { out } = context
    const group = await apiOf(input, context).get<GroupView>(groupPath(input.argument(0)))
    if (out.isJson) return out.json(group)
    out.print(
      formatFields([
        ['name', group.name],
        ['version', `${group.version} of ${formatTime(group.changedUtc)} by ${group.by}`],
        ...shownSettings(group.settings),
      ]),
    )
    const rules = enabledRules(group)
    if (rules.length === 0) return out.note('None of its rules is enabled.')
    out.table(['RULE', 'KIND', 'VALUES'], rules)
  },
}
