import { HubError } from '@twinward/protocol'

/** The same error, which says whose condition or path it is about. */
export function faultIn(whose: string, error: unknown): unknown {
  if (!(error instanceof HubError)) return error
  const { code, message, info } = error
  return new HubError(code, `${whose}: ${message}`, { cause: error, ...(info && { info }) })
}
