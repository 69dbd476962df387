import { apiOf, type Command } from '../command.ts'
import { formatTime } from '../output.ts'
import { enabledRules, GROUPS, type GroupView, shownSettings } from '../security-group.ts'

export const securityGroupList: Command = {
  talksTo: 'server',
  examples: [['security group list', 'groups with how much they say']],

  async run(input, context) {
    const { out } = context
    const list = await apiOf(input, context).get<{ readonly items: readonly GroupView[] }>(GROUPS)
    if (out.isJson) return out.json(list)
    if (list.items.length === 0) {
      return out.note('There are no security groups. `security group set NAME` makes one.')
    }
    const rows = list.items.map((group) => [
      group.name,
      String(enabledRules(group).length),
      String(shownSettings(group.settings).length),
      formatTime(group.changedUtc),
      group.by,
    ])
    out.table(['NAME', 'RULES', 'SETTINGS', 'CHANGED', 'BY'], rows)
  },
}
