import { HubError, type HubErrorCode, hubErrors, isJsonObject } from '@twinward/protocol'

/** What a hub's refusal says, cut to what a log line or an answer should hold. */
const MAX_TEXT_CHARACTERS = 512

/** When the hub names no error that we know: what its HTTP status means to a service. */
const CODE_OF_STATUS: { readonly [status: number]: HubErrorCode } = {
  400: 'ArgumentInvalid',
  401: 'IotHubUnauthorizedAccess',
  403: 'GenericForbidden',
  404: 'GenericNotFound',
  409: 'DeviceAlreadyExists',
  412: 'PreconditionFailed',
  429: 'ThrottlingException',
}

/**
 * The refusal in an HTTP answer of any hub, in its three envelopes (00 §4) or none.
 *
 * @param codeHeader  `iothub-errorcode`, '' when absent
 */
export function readRefusal(status: number, codeHeader: string, body: string): HubError {
  const { code, text } = readEnvelope(parse(body))
  const known = [codeHeader, code].find(isHubErrorCode)
  return new HubError(
    known ?? CODE_OF_STATUS[status] ?? 'ServiceUnavailable',
    (text || `The hub answered with status ${status}.`).slice(0, MAX_TEXT_CHARACTERS),
  )
}

function readEnvelope(
  body: unknown,
  isNested = false,
): { readonly code: string; readonly text: string } {
  if (!isJsonObject(body)) return { code: '', text: '' }
  const { Message: outer, message, errorCode } = body
  if (typeof outer === 'string') {
    const inner = isNested ? undefined : parse(outer)
    if (isJsonObject(inner)) return readEnvelope(inner, true)
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
  return codes.find((code) => hubErrors[code].number === number) ?? ''
}

function isHubErrorCode(text: string): text is HubErrorCode {
  return Object.hasOwn(hubErrors, text)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
