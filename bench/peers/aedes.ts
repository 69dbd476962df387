import { Child, nodeProgram } from '../child.ts'
import { openLogins, type Peer, type PeerContext } from './peer.ts'

const START_DEADLINE_MS = 15_000

/** aedes: the MQTT broker one would take in Node. */
export async function startAedes({ certificate, core }: PeerContext): Promise<Peer> {
  const { certFile, keyFile } = certificate
  const program = nodeProgram(new URL('aedes-server.js', import.meta.url), certFile, keyFile)
  const child = new Child({ name: 'aedes', ...program, ...(core !== undefined && { core }) })
  const { port } = await child.next<{ port: number }>(START_DEADLINE_MS)
  return {
    name: 'aedes',
    title: 'aedes (Node)',
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
