import Type, { type TProperties } from 'typebox'
import { IpAddress, Text } from './scalars.ts'

/**
 * Payload elements of schema 2.0, which is this project's own spelling of what micro agents collect.
 * Of the members listed here the types are judged; others may be there too and are kept as sent, so
 * that a newer agent may say more than this version knows.
 */
function element<Members extends TProperties>(members: Members, options: object = {}) {
  const description = 'an object'
  return Type.Object(
    // Seconds over which it was collected.
    { ...members, interval: optional(Count) },
    { description, ...options },
  )
}

const optional = Type.Optional

const Count = Type.Integer({ minimum: 0, description: 'an integer of 0 or more' })

/** Ids and ports: agents in C send numbers, those in scripts text. */
const NumberOrText = Type.Union([Type.Integer(), Type.String({ maxLength: 64 })], {
  description: 'an integer or a string of at most 64 characters',
})

/** One of the words in any mixture of cases. */
function word(words: readonly string[]) {
  const anyCase = words.map((text) => text.replace(/[a-z]/g, (c) => `[${c}${c.toUpperCase()}]`))
  return Type.String({
    maxLength: 32,
    pattern: `^(${anyCase.join('|')})$`,
    description: `one of ${words.map((text) => `"${text}"`).join(', ')}`,
  })
}

export const Process = element(
  {
    time: optional(Text),
    pid: optional(Count),
    ppid: optional(Count),
    uid: optional(NumberOrText),
    user: optional(Text),
    exe: optional(Text),
    cmdline: optional(Text),
    type: optional(word(['fork', 'exec', 'exit'])),
    hits: optional(Count),
    sha256: optional(Text),
  },
  {
    anyOf: [{ required: ['exe'] }, { required: ['cmdline'] }, { required: ['pid'] }],
    description: 'an object with exe, cmdline or pid',
  },
)

export const NetworkActivity = element({
  localAddr: optional(IpAddress),
  localPort: optional(NumberOrText),
  remoteAddr: IpAddress,
  remotePort: optional(NumberOrText),
  transport: Type.String({ maxLength: 32, description: 'a string of at most 32 characters' }),
  direction: optional(word(['in', 'out'])),
  app: optional(Text),
  host: optional(Text),
  bytesIn: optional(Count),
  bytesOut: optional(Count),
  hits: optional(Count),
  pid: optional(Count),
  uid: optional(NumberOrText),
  exe: optional(Text),
  cmdline: optional(Text),
})

export const DnsActivity = element({
  name: Text,
  type: optional(Text),
  hits: optional(Count),
  resolver: optional(Text),
})

export const Login = element({
  operation: word(['login', 'logout', 'loginfailed']),
  pid: optional(Count),
  user: optional(Text),
  uid: optional(NumberOrText),
  terminal: optional(Text),
  remoteAddr: optional(IpAddress),
})

export const Sbom = element({
  packages: Type.Array(
    Type.Object(
      { name: Text, version: Text, vendor: optional(Text), purl: optional(Text) },
      { description: 'an object with name and version' },
    ),
    { description: 'an array of packages' },
  ),
})

export const Peripheral = element({
  action: word(['connect', 'disconnect']),
  kind: word(['usb', 'ethernet']),
  bus: optional(NumberOrText),
  deviceNumber: optional(NumberOrText),
  class: optional(NumberOrText),
  subclass: optional(NumberOrText),
  protocol: optional(NumberOrText),
  interface: optional(Text),
  vendorId: optional(NumberOrText),
  productId: optional(NumberOrText),
})

export const FileSystem = element({
  mask: Type.Array(Text, { description: 'an array of strings' }),
  path: Text,
  hits: optional(Count),
})

export const Baseline = element({
  benchmark: optional(Text),
  checkId: Text,
  group: optional(Text),
  result: word(['pass', 'fail', 'error', 'err', 'skip', 'miss']),
  severity: optional(word(['critical', 'important', 'warning', 'informational'])),
  error: optional(Text),
  description: optional(Text),
  remediation: optional(Text),
})

export const Statistics = element({
  collector: Text,
  sent: optional(Count),
  dropped: optional(Count),
  reasons: optional(
    Type.Object({}, { additionalProperties: Count, description: 'an object of counts' }),
  ),
})

export const Log = element({
  level: Text,
  message: Text,
  file: optional(Text),
  line: optional(Count),
})
