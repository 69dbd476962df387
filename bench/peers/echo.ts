import { Child, nodeProgram } from '../child.ts'
import { openLogins, type Peer, type PeerContext } from './peer.ts'

const START_DEADLINE_MS = 15_000

/** The limit: a bare Node TLS server that sends the same bytes back. */
export async function startEcho({ certificate, core }: PeerContext): Promise<Peer> {
  const { certFile, keyFile } = certificate
  const program = nodeProgram(new URL('echo-server.js', import.meta.url), certFile, keyFile)
  const child = new Child({ name: 'echo', ...program, ...(core !== undefined && { core }) })
  const { port } = await child.next<{ port: number }>(START_DEADLINE_MS)
  return {
    name: 'echo',
    title: 'bare Node TLS echo (the limit)',
    target: {
      dialect: 'echo',
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
