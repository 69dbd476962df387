import { HubError, type HubErrorCode, hubErrors, readErrorEnvelope } from '@twinward/protocol'

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
  const { code, text } = readErrorEnvelope(body)
  const known = [codeHeader, code].find(isHubErrorCode)
  return new HubError(
    known ?? CODE_OF_STATUS[status] ?? 'ServiceUnavailable',
    (text || `The hub answered with status ${status}.`).slice(0, MAX_TEXT_CHARACTERS),
  )
}

function isHubErrorCode(text: string): text is HubErrorCode {
  return Object.hasOwn(hubErrors, text)
}
