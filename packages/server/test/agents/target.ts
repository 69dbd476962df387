import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import type { TestServer } from '../server.ts'

/** PEM. */
export interface AgentCertificate {
  readonly cert: string
  readonly key: string
}

/** The server as an agent's local configuration names it. */
export interface AgentTarget {
  readonly hostName: string
  readonly mqttPort: number
  readonly amqpPort: number
  readonly httpsPort: number
  /** PEM. */
  readonly ca: string
}

export function agentTarget({ host, ready, caFile }: TestServer): AgentTarget {
  const { mqttPort, amqpPort, httpsPort } = ready
  return { hostName: host, mqttPort, amqpPort, httpsPort, ca: readFileSync(caFile, 'utf8') }
}

/** Who an agent is when it connects: always the module, whatever it started from. */
export interface ModuleCredential {
  readonly deviceId: string
  readonly moduleId: string
  /** Base64. */
  readonly key?: string
  readonly certificate?: AgentCertificate
}

/** TLS as the C agents speak it: without a server name, to a host that is an address here. */
export function openTls(
  { hostName, ca }: AgentTarget,
  port: number,
  certificate?: AgentCertificate,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostName, port, ca, ...certificate })
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      socket.off('error', reject)
      socket.on('error', () => {})
      resolve(socket)
    })
  })
}

const TOKEN_LIFE_S = 600

/**
 * A token as the agents make it: the resource is signed as it stands in the text.
 *
 * @param tail  what follows `se`, such as the empty `&skn=` of the C agent
 */
export function agentToken(resource: string, keyBase64: string, tail = ''): string {
  const expiry = Math.floor(Date.now() / 1000) + TOKEN_LIFE_S
  const signature = createHmac('sha256', Buffer.from(keyBase64, 'base64'))
    .update(`${resource}\n${expiry}`)
    .digest('base64')
  return `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}${tail}`
}
