import { Reader } from './decode.ts'
import { encode } from './encode.ts'
import { decodeFault, type Fault } from './fault.ts'
import {
  AmqpMap,
  type AmqpValue,
  Described,
  integerOf,
  symbol,
  symbolMap,
  Typed,
  ulong,
} from './values.ts'

/** Descriptors of part 2 and 5 of the standard. */
export const CODE = {
  open: 0x10,
  begin: 0x11,
  attach: 0x12,
  flow: 0x13,
  transfer: 0x14,
  disposition: 0x15,
  detach: 0x16,
  end: 0x17,
  close: 0x18,
  error: 0x1d,
  received: 0x23,
  accepted: 0x24,
  rejected: 0x25,
  released: 0x26,
  modified: 0x27,
  source: 0x28,
  target: 0x29,
  saslMechanisms: 0x40,
  saslInit: 0x41,
  saslOutcome: 0x44,
} as const

const SYMBOLIC: ReadonlyMap<string, number> = new Map(
  Object.entries(CODE).map(([name, code]) => {
    const spelled = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    return [`amqp:${spelled}:list`, code]
  }),
)

/** Why something ends, as the peer is told. */
export interface AmqpError {
  readonly condition: string
  readonly description: string
  readonly info?: AmqpMap
}

/** The fields of a list with a descriptor; those at the end may be missing. */
export class Fields {
  readonly #name: string
  readonly #values: readonly AmqpValue[]

  constructor(name: string, values: readonly AmqpValue[]) {
    this.#name = name
    this.#values = values
  }

  at(index: number): AmqpValue {
    return this.#values[index] ?? null
  }

  uint(index: number): number | undefined {
    const value = this.at(index)
    if (value === null) return undefined
    const number = integerOf(value)
    if (number !== undefined && number >= 0) return number
    throw this.#wrong(index)
  }

  mustUint(index: number): number {
    const value = this.uint(index)
    if (value === undefined) throw this.#wrong(index)
    return value
  }

  flag(index: number): boolean {
    const value = this.at(index)
    if (value === null) return false
    if (typeof value === 'boolean') return value
    throw this.#wrong(index)
  }

  text(index: number): string | undefined {
    const value = this.at(index)
    if (value === null) return undefined
    if (typeof value === 'string') return value
    throw this.#wrong(index)
  }

  bytes(index: number): Buffer | undefined {
    const value = this.at(index)
    if (value === null) return undefined
    if (Buffer.isBuffer(value)) return value
    throw this.#wrong(index)
  }

  map(index: number): AmqpMap {
    const value = this.at(index)
    if (value === null) return new AmqpMap([])
    if (value instanceof AmqpMap) return value
    throw this.#wrong(index)
  }

  #wrong(index: number): Fault {
    return decodeFault(`field ${index} of ${this.#name} is malformed`)
  }
}

export interface Performative {
  readonly code: number
  readonly fields: Fields
  /** What follows it in the frame: the bytes of a message. */
  readonly payload: Buffer
}

/** @throws {Fault} `amqp:decode-error` */
export function decodePerformative(body: Buffer): Performative {
  const reader = new Reader(body)
  const composite = compositeOf(reader.read())
  if (!composite) throw decodeFault('a frame has no performative')
  return { ...composite, payload: reader.rest() }
}

/** The code and the fields of a described list; `undefined` for anything else. */
export function compositeOf(
  value: AmqpValue,
): { readonly code: number; readonly fields: Fields } | undefined {
  if (!(value instanceof Described) || !Array.isArray(value.value)) return undefined
  const code = codeOf(value.descriptor)
  if (code === undefined) return undefined
  return { code, fields: new Fields(`0x${code.toString(16)}`, value.value) }
}

/** The number of a descriptor, however it is spelled. */
function codeOf(descriptor: AmqpValue): number | undefined {
  if (typeof descriptor === 'string') return SYMBOLIC.get(descriptor)
  return descriptor instanceof Typed ? integerOf(descriptor) : undefined
}

/** A performative or another described list; nulls at the end are left out. */
export function composite(code: number, fields: readonly (AmqpValue | undefined)[]): Described {
  const values = fields.map((field) => field ?? null)
  while (values.length > 0 && values.at(-1) === null) values.pop()
  return new Described(ulong(code), values)
}

export function encodePerformative(
  code: number,
  fields: readonly (AmqpValue | undefined)[],
): Buffer {
  return encode(composite(code, fields))
}

export function errorValue(error: AmqpError | undefined): AmqpValue {
  if (!error) return null
  return composite(CODE.error, [symbol(error.condition), error.description, error.info])
}

/** The condition that a peer gives, for the log. */
export function conditionOf(value: AmqpValue): string | undefined {
  const condition = compositeOf(value)?.fields.at(0)
  return typeof condition === 'string' ? condition.slice(0, 128) : undefined
}

/** What became of a delivery. */
export type Outcome =
  | { readonly kind: 'accepted' | 'released' | 'modified' }
  | { readonly kind: 'rejected'; readonly error?: AmqpError }

/** `undefined` for no state, for `received` and for what is none of the standard's. */
export function outcomeOf(value: AmqpValue): Outcome | undefined {
  switch (compositeOf(value)?.code) {
    case CODE.accepted:
      return { kind: 'accepted' }
    case CODE.rejected:
      return { kind: 'rejected' }
    case CODE.released:
      return { kind: 'released' }
    case CODE.modified:
      return { kind: 'modified' }
    default:
      return undefined
  }
}

export function outcomeValue(outcome: Outcome): Described {
  if (outcome.kind !== 'rejected') return composite(CODE[outcome.kind], [])
  return composite(CODE.rejected, [errorValue(outcome.error)])
}

/** The sender settle mode of a sender that settles in advance or not. */
const MIXED = 2
const PRESETTLED = 1

/** What a peer says of a link it attaches. */
export interface Attach {
  readonly name: string
  readonly handle: number
  /** Whether the peer receives, so that the hub sends. */
  readonly peerReceives: boolean
  /** The peer's sender settles what it sends, or asks that the hub's does. */
  readonly isPresettled: boolean
  readonly senderSettleMode: number
  /** The receiver waits for the sender to settle too. */
  readonly settlesSecond: boolean
  /** Of the hub's end: the target of a peer that sends, the source of one that receives. */
  readonly address: string
  readonly peerAddress: string
  /** Of the source: filters of a reader. */
  readonly filter: AmqpMap
  /** What the peer would like the hub to be able to do. */
  readonly desiredCapabilities: readonly string[]
  readonly properties: AmqpMap
}

/** @throws {Fault} `amqp:decode-error` */
export function readAttach(fields: Fields): Attach {
  const source = compositeOf(fields.at(5))?.fields
  const target = compositeOf(fields.at(6))?.fields
  const peerReceives = fields.flag(2)
  const [own, peers] = peerReceives ? [source, target] : [target, source]
  return {
    name: fields.text(0) ?? '',
    handle: fields.mustUint(1),
    peerReceives,
    isPresettled: fields.uint(3) === PRESETTLED,
    senderSettleMode: Math.min(fields.uint(3) ?? MIXED, MIXED),
    settlesSecond: fields.uint(4) === 1,
    address: addressOf(own),
    peerAddress: addressOf(peers),
    filter: source?.map(7) ?? new AmqpMap([]),
    desiredCapabilities: [fields.at(12)].flat().filter((one) => typeof one === 'string'),
    properties: fields.map(13),
  }
}

function addressOf(terminus: Fields | undefined): string {
  const address = terminus?.at(0)
  return typeof address === 'string' ? address : ''
}

export interface AttachAnswer {
  /** Without it the hub's end is missing: a detach follows. */
  readonly isAccepted: boolean
  readonly maxMessageBytes: number
  /** Of the source: which of the reader's filters count. */
  readonly filter?: AmqpMap | undefined
  /** Whatever the peer asked for, the hub settles what it sends. */
  readonly isPresettled?: boolean | undefined
}

export function attachAnswer(attach: Attach, options: AttachAnswer): Buffer {
  const own = options.isAccepted ? attach.address : undefined
  const [source, target] = attach.peerReceives
    ? [own, attach.peerAddress]
    : [attach.peerAddress, own]
  const { filter } = options
  const rest = filter ? [null, null, null, null, null, null, filter] : []
  const terminus = (code: number, address: string | undefined) =>
    address === undefined
      ? null
      : composite(code, [address === '' ? null : address, ...(code === CODE.source ? rest : [])])
  return encodePerformative(CODE.attach, [
    attach.name,
    new Typed('uint', attach.handle),
    !attach.peerReceives,
    new Typed('ubyte', options.isPresettled ? PRESETTLED : attach.senderSettleMode),
    new Typed('ubyte', attach.peerReceives && attach.settlesSecond ? 1 : 0),
    terminus(CODE.source, source),
    terminus(CODE.target, target),
    null,
    null,
    attach.peerReceives ? new Typed('uint', 0) : null,
    ulong(options.maxMessageBytes),
    null,
    null,
    symbolMap({}),
  ])
}
