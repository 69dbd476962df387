import { HubError } from '@twinward/protocol'
import type { EventContext } from 'rhea'

/** Why a connection was not opened, or ended. */
export function connectionError({ error, connection }: EventContext, where: string): HubError {
  const refusal = (connection?.error ?? error) as
    | { condition?: string; message?: string; description?: string }
    | undefined
  const condition = refusal?.condition ?? ''
  const text = refusal?.description ?? refusal?.message ?? 'the connection was closed'
  const isRefused = /unauthorized|security/.test(condition) || /authenticat/i.test(text)
  return new HubError(
    isRefused ? 'IotHubUnauthorizedAccess' : 'ServiceUnavailable',
    `The event endpoint ${where} refuses: ${text}`,
  )
}

/** What a link was closed with. */
export interface LinkError {
  readonly condition?: string
  readonly description?: string
  readonly info?: { readonly [key: string]: unknown }
}

export function linkError(closedWith: unknown): HubError {
  const { condition = '', description = 'the link was closed' } = (closedWith ?? {}) as LinkError
  const code =
    condition === 'amqp:not-found'
      ? 'GenericNotFound'
      : condition === 'amqp:unauthorized-access'
        ? 'IotHubUnauthorizedAccess'
        : 'ServiceUnavailable'
  return new HubError(code, `The event endpoint refuses: ${condition} ${description}`.trim())
}
