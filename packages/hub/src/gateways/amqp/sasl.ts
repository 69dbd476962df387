import { encodeFrame, SASL_FRAME } from './wire/frames.ts'
import { CODE, encodePerformative } from './wire/performatives.ts'
import { SymbolArray, Typed } from './wire/values.ts'

/** What is offered (04 §1.1). MSSBCBS is what C and Python call ANONYMOUS with CBS. */
const MECHANISMS = ['MSSBCBS', 'ANONYMOUS', 'PLAIN', 'EXTERNAL']

export const SASL_OK = 0
export const SASL_REFUSED = 1
/** Not now: another time it may be let in. */
export const SASL_BUSY = 4
export type SaslCode = typeof SASL_OK | typeof SASL_REFUSED | typeof SASL_BUSY

/** How a peer authenticates before it opens the connection. */
export type SaslChoice =
  | { readonly kind: 'later' }
  | { readonly kind: 'certificate' }
  | { readonly kind: 'plain'; readonly user: string; readonly password: string }
  | { readonly kind: 'unknown' }

export function saslMechanisms(): Buffer {
  const body = encodePerformative(CODE.saslMechanisms, [new SymbolArray(MECHANISMS)])
  return encodeFrame(SASL_FRAME, 0, body)
}

export function saslOutcome(code: SaslCode): Buffer {
  const body = encodePerformative(CODE.saslOutcome, [new Typed('ubyte', code)])
  return encodeFrame(SASL_FRAME, 0, body)
}

export function readSaslInit(mechanism: string | undefined, response: Buffer): SaslChoice {
  switch (mechanism?.toUpperCase()) {
    case 'ANONYMOUS':
    case 'MSSBCBS':
      return { kind: 'later' }
    case 'EXTERNAL':
      return { kind: 'certificate' }
    case 'PLAIN':
      return readPlain(response)
    default:
      return { kind: 'unknown' }
  }
}

/** `[authorization id] NUL user NUL password` (RFC 4616). */
function readPlain(response: Buffer): SaslChoice {
  const parts = response.toString('utf8').split('\0')
  const [, user, password] = parts
  if (parts.length !== 3 || !user || !password) return { kind: 'unknown' }
  return { kind: 'plain', user, password }
}
