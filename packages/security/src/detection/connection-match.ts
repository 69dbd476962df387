import type { ConnectionRecord } from '../ingestion/record.ts'
import { accountEntity, cutValues, entities, summarise } from './command-rule.ts'
import type { Match } from './rule.ts'

/** The match of a rule on a connection. `seen` is a clause: `a shell talks to a public address`. */
export function matchConnection(record: ConnectionRecord, key: string, seen: string): Match {
  const { remoteAddress, remotePort, exe, cmd, uid, header } = record
  return {
    key,
    summary: summarise(seen, `${exe || cmd} → ${remoteAddress} port ${remotePort}`),
    entities: entities(record, [
      { type: 'process', imageFile: exe, commandLine: cmd },
      accountEntity('', uid),
      { type: 'ip', address: remoteAddress },
    ]),
    extendedProperties: cutValues({
      CommandLine: cmd,
      UserId: uid,
      'Remote Address': remoteAddress,
      'Remote Port': remotePort,
      DeviceId: header.ref.deviceId,
    }),
  }
}
