import { apiOf, type Command, nextCommand, quoted } from '../command.ts'

interface Proposals {
  readonly group: string
  readonly devices: number
  readonly items: readonly {
    readonly alertType: string
    readonly name: string
    readonly value: string
    readonly devices: number
    readonly share: number
  }[]
}

export const securitySuppressionProposals: Command = {
  arguments: [{ syntax: '<group>', description: 'a security group' }],
  talksTo: 'server',
  details:
    'While a group learns, some rules raise no alerts and only collect. What a fifth of its devices\n' +
    'showed is proposed here, to be suppressed when it is all right.',
  examples: [['security suppression proposals plant', 'what is usual in the group']],

  async run(input, context) {
    const { out } = context
    const path = `/api/security/groups/${encodeURIComponent(input.argument(0))}/proposals`
    const found = await apiOf(input, context).get<Proposals>(path)
    if (out.isJson) return out.json(found)
    if (found.items.length === 0) {
      return out.note(
        `Nothing is usual in ${found.group} yet; ${found.devices} devices were heard.`,
      )
    }
    const rows = found.items.map(({ alertType, name, value, devices, share }) => [
      ...[alertType, `${name}=${value}`, String(devices), `${Math.round(share * 100)} %`],
    ])
    out.table(['TYPE', 'VALUE', 'DEVICES', 'SHARE'], rows)
    const [first] = found.items
    if (!first) return
    const meant = `--type ${first.alertType} --match ${quoted(`${first.name}=${first.value}`)}`
    const line = `security suppression create --group ${quoted(found.group)} ${meant} --until never --reason usual`
    out.note(`To leave one out: ${nextCommand(input, context, line)}`)
  },
}
