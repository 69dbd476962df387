import { HubError } from '@twinward/protocol'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import {
  ADDRESS_MEMBERS,
  type Channel,
  type ChannelKind,
  MASK,
  SECRET_MEMBERS,
  SENT_SECRETS,
} from './channel.ts'
import { SUBJECT_PLACES } from './nats-subject.ts'

/** A name as it stands in paths. */
export const NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'
const MAX_SECRET_CHARACTERS = 4_096
const MAX_CA_CHARACTERS = 64 * 1024
const MAX_RECIPIENTS = 20
const MAX_SERVERS = 10
/** A host name or an address; nothing that a header or a command could be broken with. */
const HOST_PATTERN = '^[A-Za-z0-9._:-]{1,253}$'
/** One plain address: no name, no comment, no second one. */
const ADDRESS_PATTERN = '^[^\\s<>()\\[\\],;:\\\\"@]{1,64}@[A-Za-z0-9.-]{1,253}$'

const Port = Type.Integer({ minimum: 1, maximum: 65_535 })
const Host = Type.String({ pattern: HOST_PATTERN })
const Address = Type.String({ pattern: ADDRESS_PATTERN })
/** One line. */
const Secret = Type.String({
  minLength: 1,
  maxLength: MAX_SECRET_CHARACTERS,
  pattern: '^[^\\r\\n\\u0000]*$',
})
const Ca = Type.String({ maxLength: MAX_CA_CHARACTERS, pattern: '-----BEGIN CERTIFICATE-----' })
const closed = { additionalProperties: false }

/** The settings of each kind of channel, as they are kept and as the API takes them. */
export const CHANNEL_SETTINGS = {
  webhook: Type.Object(
    {
      url: Type.String({ maxLength: 2_048 }),
      secret: Type.Optional(Secret),
      authorization: Type.Optional(Secret),
      ca: Type.Optional(Ca),
    },
    closed,
  ),
  email: Type.Object(
    {
      host: Host,
      port: Port,
      security: Type.Union([Type.Literal('none'), Type.Literal('starttls'), Type.Literal('tls')]),
      username: Type.Optional(Secret),
      password: Type.Optional(Secret),
      from: Address,
      to: Type.Array(Address, { minItems: 1, maxItems: MAX_RECIPIENTS }),
      ca: Type.Optional(Ca),
      digestSeconds: Type.Integer({ minimum: 1, maximum: 86_400 }),
    },
    closed,
  ),
  syslog: Type.Object(
    {
      host: Host,
      port: Port,
      protocol: Type.Union([Type.Literal('udp'), Type.Literal('tcp'), Type.Literal('tls')]),
      facility: Type.Integer({ minimum: 0, maximum: 23 }),
      ca: Type.Optional(Ca),
    },
    closed,
  ),
  nats: Type.Object(
    {
      servers: Type.Array(
        Type.String({ pattern: '^((nats|tls)://)?[A-Za-z0-9._:\\[\\]-]{1,253}$' }),
        {
          minItems: 1,
          maxItems: MAX_SERVERS,
        },
      ),
      subject: Type.String({ minLength: 1, maxLength: 255 }),
      jetStream: Type.Boolean(),
      username: Type.Optional(Secret),
      password: Type.Optional(Secret),
      token: Type.Optional(Secret),
      ca: Type.Optional(Ca),
    },
    closed,
  ),
} as const

export const CHANNEL_KINDS = Object.keys(CHANNEL_SETTINGS) as readonly ChannelKind[]

const CHECKS = {
  webhook: Compile(CHANNEL_SETTINGS.webhook),
  email: Compile(CHANNEL_SETTINGS.email),
  syslog: Compile(CHANNEL_SETTINGS.syslog),
  nats: Compile(CHANNEL_SETTINGS.nats),
} as const

/** What holds where the settings say nothing. */
const DEFAULTS: { readonly [kind in ChannelKind]: object } = {
  webhook: {},
  email: { port: 587, security: 'starttls', digestSeconds: 60 },
  syslog: { port: 514, protocol: 'udp', facility: 16 },
  nats: { subject: 'twinward.findings.{kind}.{severity}.{type}', jetStream: false },
}

/** Settings as somebody gave them, to be checked. */
export interface GivenChannel {
  readonly id: string
  readonly kind: ChannelKind
  readonly description?: string
  readonly isEnabled?: boolean
  readonly settings: { readonly [name: string]: unknown }
}

/**
 * The channel that was given, on top of the one that it changes: members that are not given stay, `null`
 * removes one, and a mask leaves a secret as it is. Pure.
 *
 * @throws {HubError} `ArgumentInvalid` that names the member
 */
export function readChannel(given: GivenChannel, before?: Channel): Channel {
  const { id, kind } = given
  if (!new RegExp(NAME_PATTERN).test(id)) {
    throw invalid(`The id of a channel matches ${NAME_PATTERN}.`)
  }
  const settings = merged(given, before)
  const [mistake] = CHECKS[kind].Errors(settings)
  if (mistake) {
    const member = mistake.instancePath.slice(1).replaceAll('/', '.')
    throw invalid(`settings${member === '' ? '' : `.${member}`} ${mistake.message}.`)
  }
  const channel = {
    id,
    kind,
    description: given.description ?? before?.description ?? '',
    isEnabled: given.isEnabled ?? before?.isEnabled ?? true,
    settings,
  } as unknown as Channel
  checkMeaning(channel)
  return channel
}

/** The settings before with those that are given put over them. */
function merged({ kind, settings: given }: GivenChannel, before: Channel | undefined) {
  const old = new Map<string, unknown>(Object.entries(before?.settings ?? {}))
  const settings = new Map([...Object.entries(DEFAULTS[kind]), ...old])
  for (const [name, value] of Object.entries(given)) {
    if (value === null) settings.delete(name)
    else if (value !== MASK || !SECRET_MEMBERS[kind].includes(name)) settings.set(name, value)
    else if (!old.has(name)) throw invalid(`settings.${name} is masked: give the secret itself.`)
  }
  const isMoved = ADDRESS_MEMBERS[kind].some(
    (name) => JSON.stringify(old.get(name)) !== JSON.stringify(settings.get(name)),
  )
  // Else whoever may change a channel, but not read its secrets, has them sent to himself.
  const kept = SENT_SECRETS[kind].find(
    (name) => old.has(name) && isKept(given[name], settings, name),
  )
  if (isMoved && kept !== undefined) {
    throw invalid(`settings.${kept} must be given again for another address.`)
  }
  return Object.fromEntries(settings)
}

function isKept(given: unknown, settings: ReadonlyMap<string, unknown>, name: string): boolean {
  return settings.has(name) && (given === undefined || given === MASK)
}

function checkMeaning(channel: Channel): void {
  if (channel.kind === 'webhook') checkUrl(channel.settings.url)
  if (channel.kind === 'email') {
    const { username, password, security } = channel.settings
    if ((username === undefined) !== (password === undefined)) {
      throw invalid('settings.username and settings.password go together.')
    }
    if (password !== undefined && security === 'none') {
      throw invalid('settings.password would be sent in the clear: choose starttls or tls.')
    }
  }
  if (channel.kind === 'nats') checkSubject(channel.settings.subject)
}

/** @throws {HubError} `ArgumentInvalid` for what is no address of a web server */
export function checkUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw invalid('settings.url must be an address with https:// or http://.')
  }
  if (url.username !== '' || url.password !== '') {
    throw invalid('settings.url must not hold a password: use settings.authorization.')
  }
}

function checkSubject(subject: string): void {
  for (const token of subject.split('.')) {
    if (SUBJECT_PLACES.includes(token) || /^[A-Za-z0-9_-]+$/.test(token)) continue
    throw invalid(
      `settings.subject: “${token}” is neither a plain token nor one of ${SUBJECT_PLACES.join(' ')}.`,
    )
  }
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
