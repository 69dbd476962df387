import type { Severity } from '../detection/alert.ts'

/** HTTP POST of a JSON document. */
export interface WebhookSettings {
  readonly url: string
  /** The key of the signature; without one, requests are not signed. Secret. */
  readonly secret?: string
  /** The value of the Authorization header. Secret. */
  readonly authorization?: string
  /** PEM certificates to trust in place of the well-known ones. */
  readonly ca?: string
}

export interface EmailSettings {
  readonly host: string
  readonly port: number
  /** `tls` from the first byte, `starttls` before anything else is said, `none` in the clear. */
  readonly security: 'none' | 'starttls' | 'tls'
  readonly username?: string
  /** Secret. */
  readonly password?: string
  readonly from: string
  readonly to: readonly string[]
  readonly ca?: string
  /** At most one message in so long; it tells of all that came meanwhile. */
  readonly digestSeconds: number
}

export interface SyslogSettings {
  readonly host: string
  readonly port: number
  readonly protocol: 'udp' | 'tcp' | 'tls'
  /** 0 to 23. */
  readonly facility: number
  readonly ca?: string
}

export interface NatsSettings {
  /** `host:port`, or `tls://host:port`. */
  readonly servers: readonly string[]
  /** With `{kind}`, `{severity}`, `{type}` and `{device}` as whole tokens. */
  readonly subject: string
  /** Whether a stream must take the message: it is acknowledged once it is stored there. */
  readonly jetStream: boolean
  readonly username?: string
  /** Secret. */
  readonly password?: string
  /** Secret. */
  readonly token?: string
  readonly ca?: string
}

interface Common {
  /** The name that a person gave it. */
  readonly id: string
  readonly description: string
  /** Disabled, it is told nothing new, and what waits is not sent. */
  readonly isEnabled: boolean
}

/** Where notifications go. */
export type Channel = Common &
  (
    | { readonly kind: 'webhook'; readonly settings: WebhookSettings }
    | { readonly kind: 'email'; readonly settings: EmailSettings }
    | { readonly kind: 'syslog'; readonly settings: SyslogSettings }
    | { readonly kind: 'nats'; readonly settings: NatsSettings }
  )

export type ChannelKind = Channel['kind']

/** Members of the settings that are never shown. */
export const SECRET_MEMBERS: { readonly [kind in ChannelKind]: readonly string[] } = {
  webhook: ['secret', 'authorization'],
  email: ['password'],
  syslog: [],
  nats: ['password', 'token'],
}

/** Of these, those that are sent to the other end, … */
export const SENT_SECRETS: { readonly [kind in ChannelKind]: readonly string[] } = {
  webhook: ['authorization'],
  email: ['password'],
  syslog: [],
  nats: ['password', 'token'],
}

/** … and the members that say where that is, and how well the way is kept. */
export const ADDRESS_MEMBERS: { readonly [kind in ChannelKind]: readonly string[] } = {
  webhook: ['url'],
  email: ['host', 'port', 'security'],
  syslog: [],
  nats: ['servers'],
}

/** What stands where a secret is set. */
export const MASK = '********'

/** The channel as it may be shown: secrets masked. */
export function maskedChannel(channel: Channel): Channel {
  const settings: Record<string, unknown> = { ...channel.settings }
  for (const name of SECRET_MEMBERS[channel.kind]) if (name in settings) settings[name] = MASK
  return { ...channel, settings } as unknown as Channel
}

/** How bad the finding is, least first. */
export const SEVERITIES: readonly Severity[] = ['Informational', 'Low', 'Medium', 'High']
