import { apiOf, type Command } from '../command.ts'
import { SIGMA, type SigmaView } from '../sigma.ts'

export const securitySigmaEnable: Command = {
  arguments: [{ syntax: '<id>', description: 'of `security sigma list`' }],
  talksTo: 'server',
  details: 'For the whole hub. For one security group: `security rule set` with its alert type.',
  examples: [['security sigma enable tw-0001', 'at once']],

  async run(input, context) {
    const path = `${SIGMA}/${encodeURIComponent(input.argument(0))}`
    const rule = await apiOf(input, context).patch<SigmaView>(path, { isEnabled: true })
    if (context.out.isJson) return context.out.json(rule)
    context.out.print(`The Sigma rule ${rule.id} is on.`)
  },
}
