import { CUSTOM_CHECKS } from '../baseline.ts'
import { apiOf, type Command } from '../command.ts'

export const securityCustomChecksDelete: Command = {
  arguments: [{ syntax: '<sha256>', description: 'the hash of the set' }],
  talksTo: 'server',
  examples: [['security baseline custom-checks delete HASH', 'agents cannot download it any more']],

  async run(input, context) {
    const sha256 = input.argument(0)
    await apiOf(input, context).delete(`${CUSTOM_CHECKS}/${encodeURIComponent(sha256)}`)
    if (context.out.isJson) context.out.json({ deleted: sha256 })
    else context.out.print(`Deleted custom checks ${sha256}.`)
  },
}
