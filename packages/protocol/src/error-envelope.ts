import { type HubErrorCode, hubErrors } from './errors.ts'
import { isJsonObject } from './json.ts'

/** What the body of a refusal says. */
export interface ErrorEnvelope {
  /** IoT Hub's name, such as `DeviceNotFound`, or the number of one that is unknown; '' when absent. */
  readonly code: string
  readonly text: string
}

/**
 * Reads the three envelopes of IoT Hub (00 §4): `Message` with `ErrorCode:Name;text`, `Message` with
 * JSON inside, and the bare object with a number. Anything else says nothing.
 */
export function readErrorEnvelope(body: string): ErrorEnvelope {
  return read(parse(body), false)
}

function read(body: unknown, isNested: boolean): ErrorEnvelope {
  if (!isJsonObject(body)) return { code: '', text: '' }
  const { Message: outer, message, errorCode } = body
  if (typeof outer === 'string') {
    const inner = isNested ? undefined : parse(outer)
    if (isJsonObject(inner)) return read(inner, true)
    const [, code, text] = /^ErrorCode:(\w+);?([\s\S]*)$/.exec(outer) ?? []
    return { code: code ?? '', text: text ?? outer }
  }
  return {
    code: typeof errorCode === 'number' ? codeOfNumber(errorCode) : '',
    text: typeof message === 'string' ? message : '',
  }
}

function codeOfNumber(number: number): string {
  const codes = Object.keys(hubErrors) as HubErrorCode[]
  return codes.find((code) => hubErrors[code].number === number) ?? String(number)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
