import { readErrorEnvelope } from '@twinward/protocol'
import { CommandError } from './command.ts'

/** The server refused. `message` is one sentence that ends with the error's name. */
export class ApiError extends CommandError {
  override readonly name = 'ApiError'
  readonly status: number
  /** IoT Hub's name, such as `DeviceNotFound`; '' when the answer has none. */
  readonly code: string

  constructor(status: number, code: string, text: string) {
    super(sentence(status, code, text))
    this.status = status
    this.code = code
  }
}

/** @param codeHeader  `iothub-errorcode`, '' when absent */
export function readApiError(status: number, codeHeader: string, body: string): ApiError {
  const { code, text } = readErrorEnvelope(body)
  return new ApiError(status, codeHeader || code, text)
}

function sentence(status: number, code: string, text: string): string {
  const name = code === '' ? `HTTP ${status}` : code
  return `${explain(status, code, text.trim())} (${name})`
}

/** The hub's text, and what to do where that is known. For some errors the text is a bare id. */
function explain(status: number, code: string, text: string): string {
  const isBareId = text !== '' && !text.includes(' ')
  if (status === 401) {
    return 'The server refuses this login: its key, host name or policy is not right for this.'
  }
  if (status === 501) return text || 'This server version does not serve that yet.'
  switch (code) {
    case 'DeviceNotFound':
      return isBareId ? `There is no device or module '${text}'.` : text
    case 'ModuleNotFound':
      return isBareId ? `There is no module '${text}'.` : text
    case 'DeviceAlreadyExists':
      return isBareId ? `There already is a device '${text}'.` : text
    case 'EnrollmentNotFound':
      return 'There is no such enrollment.'
    case 'DeviceNotOnline':
      return 'The target is not connected, or takes no methods: --connect-timeout waits for it.'
    case 'GatewayTimeout':
      return 'The target took the call and did not answer in time: --timeout gives it more.'
    case 'PreconditionFailed':
      return `Somebody changed it in the meantime: read it again, then repeat. ${text}`.trim()
    case 'ThrottlingException':
      return `The server is busy: try again in a moment. ${text}`.trim()
    default:
      return text === '' ? 'The server refused.' : text
  }
}
