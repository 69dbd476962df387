import { apiOf, type Command } from '../command.ts'

export const RULES = '/api/security/rules'

export interface RuleView {
  readonly alertType: string
  readonly displayName: string
  readonly severity: string
  readonly setting: { readonly isEnabled: boolean | null; readonly severity: string | null }
}

interface RuleList {
  readonly groups: readonly string[]
  readonly items: readonly RuleView[]
}

export const securityRuleList: Command = {
  options: [{ flags: '--group <name>', description: 'what is set for this security group' }],
  talksTo: 'server',
  examples: [
    ['security rule list', 'every built-in alert'],
    ['security rule list --group greenhouse', 'what this group has of its own'],
  ],

  async run(input, context) {
    const list = await apiOf(input, context).get<RuleList>(RULES, { group: input.text('group') })
    const { out } = context
    if (out.isJson) return out.json(list)
    out.table(
      ['ALERT TYPE', 'SEVERITY', 'SET', 'ALERT'],
      list.items.map(({ alertType, severity, setting, displayName }) => [
        ...[alertType, severity, describe(setting), displayName],
      ]),
    )
    if (list.groups.length > 0) out.note(`Groups with settings: ${list.groups.join(', ')}`)
  },
}

function describe({ isEnabled, severity }: RuleView['setting']): string {
  const state = isEnabled === null ? '' : isEnabled ? 'on' : 'off'
  return [state, severity ?? ''].filter((part) => part !== '').join(', ')
}
