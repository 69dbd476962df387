import { apiOf, type Command } from '../command.ts'
import { readRef } from '../identity.ts'
import { printable } from '../output.ts'

export const securityTombstonesForget: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  talksTo: 'server',
  examples: [['security tombstones forget pump-1', 'its configuration cannot be restored then']],

  async run(input, context) {
    const { out } = context
    const { deviceId } = readRef(input.argument(0))
    const path = `/api/security/modules/tombstones/${encodeURIComponent(deviceId)}`
    await apiOf(input, context).delete(path)
    if (out.isJson) out.json({ deviceId, forgotten: true })
    else out.print(`Nothing is kept any more of the security module of ${printable(deviceId)}.`)
  },
}
