import { Child, nodeProgram } from '../child.ts'
import { openLogins, type Peer, type PeerContext } from './peer.ts'

const START_DEADLINE_MS = 15_000

/** The limit: a bare Node TLS server that takes anything for a CONNECT and answers CONNACK 0. */
export async function startBare({ certificate, core }: PeerContext): Promise<Peer> {
  const { certFile, keyFile } = certificate
  const program = nodeProgram(new URL('bare-server.js', import.meta.url), certFile, keyFile)
  const child = new Child({ name: 'bare', ...program, ...(core !== undefined && { core }) })
  const { port } = await child.next<{ port: number }>(START_DEADLINE_MS)
  return {
    name: 'bare',
    title: 'bare Node TLS, answers 4 bytes (the limit)',
    target: {
      dialect: 'mqtt',
      host: '127.0.0.1',
      port,
      serverName: 'localhost',
      caFile: certFile,
    },
    pinning: 'the process',
    pids: [child.pid],
    createDevices: async (count) => openLogins(count),
    stop: () => child.stop(),
  }
}
