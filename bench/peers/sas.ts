import { createHmac } from 'node:crypto'

const LIFETIME_SECONDS = 24 * 60 * 60

/** A shared access signature for `resource`, as Microsoft's SDKs make them. */
export function signSas(resource: string, key: string, policy?: string): string {
  const sr = encodeURIComponent(resource)
  const se = Math.floor(Date.now() / 1_000) + LIFETIME_SECONDS
  const hmac = createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${se}`)
  const sig = encodeURIComponent(hmac.digest('base64'))
  const skn = policy === undefined ? '' : `&skn=${encodeURIComponent(policy)}`
  return `SharedAccessSignature sr=${sr}&sig=${sig}&se=${se}${skn}`
}

export interface ConnectionString {
  readonly hostName: string
  readonly policy: string
  readonly key: string
}

/** @throws {Error} when a part is missing */
export function parseConnectionString(text: string): ConnectionString {
  const parts = new Map(
    text
      .trim()
      .split(';')
      .map((part) => {
        const at = part.indexOf('=')
        return [part.slice(0, at), part.slice(at + 1)]
      }),
  )
  const hostName = parts.get('HostName')
  const policy = parts.get('SharedAccessKeyName')
  const key = parts.get('SharedAccessKey')
  if (!hostName || !policy || !key) throw new Error('This is no connection string of a policy.')
  return { hostName, policy, key }
}
