import Type from 'typebox'

/**
 * The scalars of security messages. Each `description` completes the sentence "expected …" that the
 * sender of a bad message gets to read.
 */
export const Text = Type.String({ description: 'a string' })
export const Integer = Type.Integer({ description: 'an integer' })
export const Flag = Type.Boolean({ description: 'true or false' })
export const Guid = Type.String({
  minLength: 36,
  maxLength: 36,
  description: 'a string of 36 characters',
})

/** `"22"`, `"53248-53250"`, `"22,53"`, `"*"`; agents that aggregate also send `0` and `""`. */
export const Port = Type.Union([Type.String(), Type.Integer()], {
  description: 'a string or integer',
})

/** Asserted, unlike times. Windows writes link-local addresses with their zone: `fe80::1%12`. */
export const IpAddress = Type.Union(
  [
    Type.String({ format: 'ipv4' }),
    Type.String({ format: 'ipv6' }),
    Type.Literal(''),
    Type.String({ pattern: '^[fF][eE]80:[0-9a-fA-F:]{1,36}%[\\w.-]{1,32}$' }),
  ],
  { description: 'an IPv4 or IPv6 address' },
)

/** Firewall rules: an address, CIDR, range, address with netmask, or a word such as a subnet tag. */
export const AddressOrTag = Text
export const Direction = Type.Enum(['In', 'Out'], { description: '"In" or "Out"' })

/**
 * A flat map of text. Three members may also be integers, because agents in use send them so:
 * the C agent's `HitCount`, and the queue lengths of the 2020 RTOS preview.
 */
export const ExtraDetails = Type.Object(
  {
    HitCount: Type.Optional(Port),
    'Recv-Q': Type.Optional(Port),
    'Send-Q': Type.Optional(Port),
  },
  { additionalProperties: Text, description: 'an object of strings' },
)
