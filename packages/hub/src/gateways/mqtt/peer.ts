import { type DeviceRef, refKey } from '@twinward/protocol'
import type { ClientCertificate } from '../../registry/client-certificate.ts'
import type { WeakTls } from '../../sessions/weak-tls.ts'
import type { GatewayParts } from './server.ts'

/** Who is at the other end of a stream. */
export interface Peer {
  /** For the log. */
  readonly address: string
  readonly certificate: () => ClientCertificate | undefined
  /** Asked for once somebody has presented itself; absent = nothing is weak. */
  readonly weakTls?: () => WeakTls | undefined
  /** The port that it came to. */
  readonly localPort?: number | undefined
}

interface End {
  readonly ref: DeviceRef | undefined
  readonly reason: string
  /** Health checks and port scans are not worth a line, nor is each connection when the hub stops. */
  readonly isQuiet: boolean
  readonly cause: unknown
}

export function logEnd(
  { remote, parts }: { readonly remote: string; readonly parts: GatewayParts },
  { ref, reason, isQuiet, cause }: End,
): void {
  const { log } = parts.hub
  const fields = {
    ...(ref && { ref: refKey(ref) }),
    remote,
    reason,
    ...(cause !== undefined && { cause }),
  }
  if (isQuiet) log.debug(fields, 'mqtt connection ended')
  else log.info(fields, 'mqtt connection ended')
}
