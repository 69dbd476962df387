import { CUSTOM_CHECKS } from '../baseline.ts'
import { apiOf, type Command } from '../command.ts'

interface DocumentView {
  readonly baselineId: string
  readonly checks: readonly {
    readonly msid: string
    readonly severity: string
    readonly description: string
    readonly variants: readonly { readonly distro: string; readonly command: string }[]
  }[]
}

export const securityCustomChecksShow: Command = {
  arguments: [{ syntax: '<sha256>', description: 'the hash of the set' }],
  talksTo: 'server',
  examples: [['security baseline custom-checks show HASH --json', 'the document that agents get']],

  async run(input, context) {
    const path = `${CUSTOM_CHECKS}/${encodeURIComponent(input.argument(0))}`
    const view = await apiOf(input, context).get<DocumentView>(path)
    const { out } = context
    if (out.isJson) return out.json(view)
    out.table(
      ['CHECK', 'SEVERITY', 'ON', 'COMMAND', 'WHAT'],
      view.checks.flatMap(({ msid, severity, description, variants }) =>
        variants.map(({ distro, command }) => [msid, severity, distro, command, description]),
      ),
    )
  },
}
