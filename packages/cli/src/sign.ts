import { createHmac } from 'node:crypto'
import { formatSas } from '@twinward/protocol'

/** Long enough for any command and its clock, short enough to be worthless later. */
const TOKEN_LIFETIME_S = 3600

/** A shared access signature for `resource` under a base64 key. */
export function signToken(resource: string, keyBase64: string, policyName?: string): string {
  const key = Buffer.from(keyBase64, 'base64')
  const sign = (text: string) => createHmac('sha256', key).update(text).digest('base64')
  const expiresAtS = Math.floor(Date.now() / 1000) + TOKEN_LIFETIME_S
  return formatSas(resource, expiresAtS, sign, policyName)
}
