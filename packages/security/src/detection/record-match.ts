import type { LoginRecord, SecurityRecord } from '../ingestion/record.ts'
import type { AlertEntity, Severity } from './alert.ts'
import { accountEntity, cutValues, entities, summarise } from './command-rule.ts'
import type { Match } from './rule.ts'

/** What a rule saw in a record that is neither a command nor a connection. */
export interface Sight {
  readonly key: string
  /** A clause: `a user joined a group`, and after the colon what exactly. */
  readonly seen: string
  readonly detail?: string
  readonly severity?: Severity
  readonly entities?: readonly AlertEntity[]
  readonly properties?: { readonly [name: string]: string }
}

/** The match of a rule on any record: host, entities and the published `DeviceId`. */
export function matchRecord(record: SecurityRecord, sight: Sight): Match {
  return {
    key: sight.key,
    ...(sight.severity && { severity: sight.severity }),
    summary: summarise(sight.seen, sight.detail ?? ''),
    entities: entities(record, sight.entities ?? []),
    extendedProperties: cutValues({
      ...sight.properties,
      DeviceId: record.header.ref.deviceId,
    }),
  }
}

/** The match of a rule on a login, with the properties that are published for logins. */
export function matchLogin(record: LoginRecord, key: string, seen: string): Match {
  const { user, uid, remoteAddress, operation, exe, terminal = '' } = record
  const ip: readonly AlertEntity[] =
    remoteAddress === '' ? [] : [{ type: 'ip', address: remoteAddress }]
  return matchRecord(record, {
    key,
    seen,
    detail: [user || uid, operation, terminal || exe].filter((part) => part !== '').join(', '),
    entities: [accountEntity(user, uid), ...ip],
    properties: {
      'User Name': user,
      UserId: uid,
      'Remote Address': remoteAddress,
      'Login Shell': exe,
      Terminal: terminal,
    },
  })
}
