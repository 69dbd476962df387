import { apiOf, type Command, UsageError } from '../command.ts'
import { SEVERITIES } from '../finding.ts'
import { RULES, type RuleView } from './security-rule-list.ts'

export const securityRuleSet: Command = {
  arguments: [{ syntax: '<alertType>', description: 'such as IoT_WebShell' }],
  options: [
    { flags: '--off', description: 'its findings raise no alerts' },
    { flags: '--on', description: 'also where it is off for the hub' },
    { flags: '--severity <severity>', description: 'of its new alerts', choices: SEVERITIES },
    { flags: '--reset', description: 'back to what it is by itself' },
    { flags: '--group <name>', description: 'for this security group', defaultText: 'the hub' },
  ],
  talksTo: 'server',
  details: 'What is given replaces what was set before for the same hub or group.',
  examples: [
    ['security rule set IoT_FileModified --off --group greenhouse', 'in one group'],
    ['security rule set IoT_FailedLocalLogin --severity Low', 'in the whole hub'],
  ],

  async run(input, context) {
    const alertType = input.argument(0)
    const severity = input.text('severity')
    const group = input.text('group')
    const [isOff, isOn, isReset] = [input.isSet('off'), input.isSet('on'), input.isSet('reset')]
    if (isOff && isOn) throw new UsageError('Give either --on or --off.')
    const isSet = isOff || isOn || severity !== undefined
    if (isSet === isReset) throw new UsageError('Give --on, --off or --severity, or else --reset.')
    const body = {
      ...((isOff || isOn) && { isEnabled: isOn }),
      ...(severity !== undefined && { severity }),
      ...(group !== undefined && { group }),
    }
    const path = `${RULES}/${encodeURIComponent(alertType)}`
    const view = await apiOf(input, context).put<RuleView>(path, body)
    const { out } = context
    if (out.isJson) return out.json(view)
    const where = group === undefined ? 'the hub' : `the group ${group}`
    const what = isReset ? 'is as it is by itself' : isOff ? 'raises no alerts' : 'is set'
    out.print(`${alertType} ${what} in ${where}.`)
  },
}
