import { apiOf, type Command } from '../command.ts'
import { RULE_LISTS, type RuleList } from '../security-group.ts'

interface RuleTypeView {
  readonly list: RuleList
  readonly ruleType: string
  readonly alertType: string
  readonly description: string
}

export const securityGroupRules: Command = {
  talksTo: 'server',
  examples: [['security group rules', 'what a group can be told to watch']],

  async run(input, context) {
    const path = '/api/security/group-rule-types'
    const list = await apiOf(input, context).get<{ readonly items: readonly RuleTypeView[] }>(path)
    if (context.out.isJson) return context.out.json(list)
    const rows = list.items.map((type) => [type.ruleType, RULE_LISTS[type.list], type.description])
    context.out.table(['RULE', 'KIND', 'RAISES AN ALERT WHEN'], rows)
  },
}
