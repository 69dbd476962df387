import { createHmac } from 'node:crypto'
import { formatSas, HubError, parseSas } from '@twinward/protocol'
import type { Hub } from '../../hub.ts'
import { parseLinkAddress } from './addresses.ts'
import { unauthorized } from './conditions.ts'
import type { Connection } from './connection.ts'
import { SASL_BUSY, SASL_OK, SASL_REFUSED, type SaslChoice, type SaslCode } from './sasl.ts'

/** For how long a policy's key that came by PLAIN opens a connection. */
const KEY_LIFETIME_MS = 365 * 24 * 3600_000

/** Whether the peer may open the connection (04 §1.1). */
export async function login(connection: Connection, choice: SaslChoice): Promise<SaslCode> {
  if (choice.kind === 'later') return SASL_OK
  if (choice.kind === 'unknown') return SASL_REFUSED
  if (choice.kind === 'certificate') return connection.certificate() ? SASL_OK : SASL_REFUSED
  try {
    await provePlain(connection, choice.user, choice.password)
    return SASL_OK
  } catch (thrown) {
    if (!(thrown instanceof HubError) || thrown.code === 'ServerError') throw thrown
    return thrown.code === 'ThrottlingException' ? SASL_BUSY : SASL_REFUSED
  }
}

async function provePlain(connection: Connection, user: string, password: string): Promise<void> {
  const { clients, parts } = connection
  const address = parseLinkAddress(user)
  const policy = /^(.{1,128})@sas\.root\..+$/s.exec(user)?.[1]
  const identity = /^(.{1,300})@sas\..+$/s.exec(user)?.[1]
  if (policy !== undefined) {
    if (parseSas(password)?.policyName !== policy) throw unauthorized('a token of another policy')
    clients.putServiceToken('', password)
  } else if (identity !== undefined) {
    await clients.putToken(`${parts.hub.hostNames.primary}/devices/${identity}`, password)
  } else if (address?.kind === 'registration') await clients.registrants.prove(address, password)
  else clients.putServiceToken('', tokenOfKey(parts.hub, user, password), true)
}

/** A policy's name and key prove as much as the token that one can make of them. */
function tokenOfKey({ hostNames, clock }: Hub, policyName: string, key: string): string {
  const expiresAtS = Math.floor((clock.now() + KEY_LIFETIME_MS) / 1000)
  const sign = (text: string) =>
    createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64')
  return formatSas(hostNames.primary, expiresAtS, sign, encodeURIComponent(policyName))
}
