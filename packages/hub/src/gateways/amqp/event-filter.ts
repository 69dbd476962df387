import { HubError } from '@twinward/protocol'
import type { StartPosition } from '../../messages/start-position.ts'
import { AmqpMap, type AmqpValue, Described, symbol, ulong } from './wire/values.ts'

/** The filter that says where a reader starts (10 §6.3), and its descriptor. */
const SELECTOR = 'apache.org:selector-filter:string'
const SELECTOR_CODE = 0x468c00000004n
const MAX_EXPRESSION_CHARACTERS = 256
const EXPRESSION = /^amqp\.annotation\.([a-z-]{1,40}) {0,9}(>=?) {0,9}(['"]?)([^'" ]{1,64})\3$/i
const NUMBER = /^-?\d{1,16}$/
/** Some clients compute milliseconds as floating-point numbers. */
const TIME = /^(\d{1,16})(?:\.\d{1,9})?$/
const LATEST = '@latest'

const FIELDS: ReadonlyMap<string, 'number' | 'time'> = new Map([
  ['x-opt-offset', 'number'],
  ['x-opt-sequence-number', 'number'],
  ['x-opt-enqueued-time', 'time'],
  // As older clients call it.
  ['x-opt-enqueuedtimeutc', 'time'],
])

/** What a reader asks for, and how the hub confirms it. */
export interface EventFilter {
  readonly start: StartPosition
  /** Of the answer to the attach. */
  readonly confirmed: AmqpMap
}

/**
 * Reads the filters of a reader's source. Without any it starts at the oldest event.
 *
 * @throws {HubError} `ArgumentInvalid` that names a filter which is not understood
 */
export function readEventFilter(filter: AmqpMap): EventFilter {
  let found: EventFilter = { start: { kind: 'earliest' }, confirmed: new AmqpMap([]) }
  for (const [key, value] of filter.entries) {
    if (key !== SELECTOR) throw invalid(`The filter ${shown(key)} is not understood.`)
    if (value === null) continue
    const text = textOfSelector(value)
    if (text === undefined) throw invalid(`The filter '${SELECTOR}' has no expression.`)
    const start = parseExpression(text)
    const described = new Described(ulong(SELECTOR_CODE), text)
    found = { start, confirmed: new AmqpMap([[symbol(SELECTOR), described]]) }
  }
  return found
}

/**
 * Reads `amqp.annotation.x-opt-offset > '42'` and its kin.
 *
 * @throws {HubError} `ArgumentInvalid` that shows what is not understood
 */
export function parseExpression(text: string): StartPosition {
  const trimmed = text.length > MAX_EXPRESSION_CHARACTERS ? '' : text.trim()
  const [, name = '', operator, , operand = ''] = EXPRESSION.exec(trimmed) ?? []
  const kind = FIELDS.get(name.toLowerCase())
  if (!kind) throw notUnderstood(text)
  const isInclusive = operator === '>='
  if (kind === 'time') {
    const timeMs = Number(TIME.exec(operand)?.[1] ?? Number.NaN)
    if (!Number.isSafeInteger(timeMs)) throw notUnderstood(text)
    return { kind: 'time', timeMs, isInclusive }
  }
  if (operand.toLowerCase() === LATEST) return { kind: 'latest' }
  const sequence = NUMBER.test(operand) ? Number(operand) : Number.NaN
  if (!Number.isSafeInteger(sequence)) throw notUnderstood(text)
  return sequence < 0 ? { kind: 'earliest' } : { kind: 'sequence', sequence, isInclusive }
}

/** With its descriptor or without, as text or, from Python, as bytes. */
function textOfSelector(value: AmqpValue): string | undefined {
  const bare = value instanceof Described ? value.value : value
  if (Buffer.isBuffer(bare)) return bare.toString('utf8')
  return typeof bare === 'string' ? bare : undefined
}

function notUnderstood(text: string): HubError {
  return invalid(
    `The filter expression ${shown(text)} is not understood: it compares x-opt-offset, ` +
      "x-opt-sequence-number or x-opt-enqueued-time by > or >=, as in amqp.annotation.x-opt-offset > '42'.",
  )
}

function shown(value: AmqpValue): string {
  return typeof value === 'string' ? `'${value.slice(0, 100)}'` : 'without a name'
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
