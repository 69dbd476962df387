import { Reader } from './decode.ts'
import { encode, Writer } from './encode.ts'
import { decodeFault } from './fault.ts'
import { Fields } from './performatives.ts'
import { AmqpMap, type AmqpValue, Described, integerOf, ulong } from './values.ts'

/** Sections of a message, part 3 §2 of the standard. */
const SECTION = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const

const SYMBOLIC: ReadonlyMap<string, number> = new Map([
  ['amqp:header:list', SECTION.header],
  ['amqp:delivery-annotations:map', SECTION.deliveryAnnotations],
  ['amqp:message-annotations:map', SECTION.messageAnnotations],
  ['amqp:properties:list', SECTION.properties],
  ['amqp:application-properties:map', SECTION.applicationProperties],
  ['amqp:data:binary', SECTION.data],
  ['amqp:amqp-sequence:list', SECTION.sequence],
  ['amqp:value:*', SECTION.value],
  ['amqp:footer:map', SECTION.footer],
])

/** The batch of C and C#: each data section is a message of its own (04 §4). */
export const BATCH_FORMAT = 0x80013700

/** Members of the properties section, in its order. */
const PROPERTIES = [
  'messageId',
  'userId',
  'to',
  'subject',
  'replyTo',
  'correlationId',
  'contentType',
  'contentEncoding',
  'absoluteExpiryTime',
  'creationTime',
] as const

export type MessageProperty = (typeof PROPERTIES)[number]

export interface Message {
  readonly properties: { readonly [name in MessageProperty]?: AmqpValue }
  /** Delivery and message annotations are told apart by nobody who asks. */
  readonly annotations: AmqpMap
  readonly application: AmqpMap
  /** The data sections; of a message with a value, that is in `value`. */
  readonly data: readonly Buffer[]
  readonly value?: AmqpValue
}

const NOTHING = new AmqpMap([])

/** @throws {Fault} `amqp:decode-error` */
export function decodeMessage(bytes: Buffer): Message {
  const reader = new Reader(bytes)
  const sections = { annotations: NOTHING, application: NOTHING, properties: {} }
  const data: Buffer[] = []
  let value: AmqpValue | undefined
  while (reader.remaining > 0) {
    const section = reader.read()
    if (!(section instanceof Described)) throw decodeFault('a message has something but sections')
    switch (sectionCode(section.descriptor)) {
      case SECTION.messageAnnotations:
        sections.annotations = mapOf(section.value)
        break
      case SECTION.properties:
        sections.properties = propertiesOf(section.value)
        break
      case SECTION.applicationProperties:
        sections.application = mapOf(section.value)
        break
      case SECTION.data:
        data.push(bytesOf(section.value))
        break
      case SECTION.value:
        value = section.value
    }
  }
  return { ...sections, data, ...(value !== undefined && { value }) }
}

/** The body as bytes: of several data sections, all after each other. A text counts as its UTF-8. */
export function bodyOf({ data, value }: Message): Buffer {
  if (typeof value === 'string') return Buffer.from(value)
  if (Buffer.isBuffer(value)) return value
  const [first, ...others] = data
  if (!first) return Buffer.alloc(0)
  return others.length === 0 ? first : Buffer.concat(data)
}

export interface OutgoingMessage {
  readonly properties?: { readonly [name in MessageProperty]?: AmqpValue | undefined }
  readonly deliveryAnnotations?: AmqpMap | undefined
  readonly annotations?: AmqpMap
  readonly application?: AmqpMap
  /** A data section, or with `value` a value section. */
  readonly body?: Uint8Array
  readonly value?: AmqpValue
}

export function encodeMessage(message: OutgoingMessage): Buffer {
  const { deliveryAnnotations, annotations, properties, application, body, value } = message
  const writer = new Writer()
  const section = (code: number, content: AmqpValue) =>
    writer.write(new Described(ulong(code), content))
  if (deliveryAnnotations) section(SECTION.deliveryAnnotations, deliveryAnnotations)
  if (annotations) section(SECTION.messageAnnotations, annotations)
  if (properties) {
    const values = PROPERTIES.map((name) => properties[name] ?? null)
    while (values.length > 0 && values.at(-1) === null) values.pop()
    section(SECTION.properties, values)
  }
  if (application) section(SECTION.applicationProperties, application)
  if (body) section(SECTION.data, Buffer.from(body.buffer, body.byteOffset, body.byteLength))
  else section(SECTION.value, value ?? null)
  return writer.take()
}

/** A batch of encoded messages, for tests and for readers. */
export function encodeBatch(messages: readonly Buffer[]): Buffer {
  return encode(...messages.map((bytes) => new Described(ulong(SECTION.data), bytes)))
}

function sectionCode(descriptor: AmqpValue): number | undefined {
  return typeof descriptor === 'string' ? SYMBOLIC.get(descriptor) : integerOf(descriptor)
}

function mapOf(value: AmqpValue): AmqpMap {
  if (value === null) return NOTHING
  if (value instanceof AmqpMap) return value
  throw decodeFault('a section is not a map')
}

function bytesOf(value: AmqpValue): Buffer {
  if (Buffer.isBuffer(value)) return value
  throw decodeFault('a data section is not bytes')
}

function propertiesOf(value: AmqpValue): { readonly [name in MessageProperty]?: AmqpValue } {
  if (!Array.isArray(value)) throw decodeFault('the properties are not a list')
  const fields = new Fields('properties', value)
  const properties: { [name in MessageProperty]?: AmqpValue } = {}
  for (const [index, name] of PROPERTIES.entries()) {
    const field = fields.at(index)
    if (field !== null) properties[name] = field
  }
  return properties
}
