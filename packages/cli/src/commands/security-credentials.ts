import { apiOf, type Command } from '../command.ts'
import { securityPath } from '../enroll-token.ts'
import { readRef } from '../identity.ts'
import { formatTime } from '../output.ts'

interface CredentialsView {
  readonly deviceId: string
  readonly modules: readonly {
    readonly moduleId: string
    readonly type: string
    readonly lastUsed: { readonly credential: string; readonly timeUtc: string } | null
    readonly rotatedTimeUtc: string | null
  }[]
}

export const securityCredentials: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  talksTo: 'server',
  details:
    'Counts sessions over MQTT and AMQP. "retired" is a key or certificate that is good no more.',
  examples: [['security credentials pump-1', 'before the old key is given up']],

  async run(input, context) {
    const { deviceId } = readRef(input.argument(0))
    const path = securityPath(deviceId, 'credentials')
    const view = await apiOf(input, context).get<CredentialsView>(path)
    const { out } = context
    if (out.isJson) {
      out.json(view)
      return
    }
    out.table(
      ['MODULE', 'TYPE', 'LAST USED', 'AT', 'ROTATED'],
      view.modules.map(({ moduleId, type, lastUsed, rotatedTimeUtc }) => [
        ...[moduleId, type, lastUsed?.credential ?? ''],
        ...[formatTime(lastUsed?.timeUtc), formatTime(rotatedTimeUtc)],
      ]),
    )
  },
}
