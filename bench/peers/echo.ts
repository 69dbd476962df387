import { Child, nodeProgram } from '../child.ts'
import { openLogins, type Peer, type PeerContext } from './peer.ts'
import { signSas } from './sas.ts'

const START_DEADLINE_MS = 15_000

/** Another answer than the same bytes, as a server sends it that has something to say. */
export interface EchoSizes {
  readonly requestBytes: number
  readonly answerBytes: number
  /** Of an HTTPS answer. */
  readonly bodyBytes: number
}

/** The limit: a bare Node TLS server that sends the same bytes back, or as many as it is told. */
export async function startEcho(
  { certificate, core }: PeerContext,
  { requestBytes, answerBytes, bodyBytes }: EchoSizes = SAME_BYTES,
): Promise<Peer> {
  const { certFile, keyFile } = certificate
  const sizes = [requestBytes, answerBytes, bodyBytes].map(String)
  const file = new URL('echo-server.js', import.meta.url)
  const program = nodeProgram(file, certFile, keyFile, ...sizes)
  const child = new Child({ name: 'echo', ...program, ...(core !== undefined && { core }) })
  const { port, httpsPort } = await child.next<Ports>(START_DEADLINE_MS)
  return {
    name: 'echo',
    title: requestBytes === 0 ? 'bare Node TLS echo (the limit)' : 'bare Node (the limit)',
    target: {
      dialect: 'echo',
      host: '127.0.0.1',
      port,
      serverName: 'localhost',
      caFile: certFile,
    },
    pinning: 'the process',
    pids: [child.pid],
    http: { port: httpsPort, authorization: signSas('localhost', 'bm90aGluZw==', 'service') },
    createDevices: async (count) => openLogins(count),
    stop: () => child.stop(),
  }
}

const SAME_BYTES: EchoSizes = { requestBytes: 0, answerBytes: 0, bodyBytes: 0 }

interface Ports {
  readonly port: number
  readonly httpsPort: number
}
