import { apiOf, type Command } from '../command.ts'
import { SIGMA, type SigmaView } from '../sigma.ts'

export const securitySigmaDisable: Command = {
  arguments: [{ syntax: '<id>', description: 'of `security sigma list`' }],
  talksTo: 'server',
  details: 'For the whole hub. For one security group: `security rule set` with its alert type.',
  examples: [['security sigma disable tw-0001', 'at once']],

  async run(input, context) {
    const path = `${SIGMA}/${encodeURIComponent(input.argument(0))}`
    const rule = await apiOf(input, context).patch<SigmaView>(path, { isEnabled: false })
    if (context.out.isJson) return context.out.json(rule)
    context.out.print(`The Sigma rule ${rule.id} is off.`)
  },
}
