import { existsSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { Child } from '../child.ts'
import { openLogins, type Peer, type PeerContext } from './peer.ts'

const START_DEADLINE_MS = 10_000
const RETRY_MS = 50
const CANDIDATES = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto', '/usr/bin/mosquitto']

export interface Mosquitto {
  readonly child: Child
  readonly tlsPort: number
  /** A plain listener on loopback, for services on the same machine. */
  readonly plainPort: number
}

/** mosquitto alone: QoS 1 over TLS, acknowledged from memory (nothing is durable). */
export async function startMosquitto(context: PeerContext): Promise<Peer> {
  const { child, tlsPort } = await launchMosquitto(context, 'mosquitto')
  return {
    name: 'mosquitto',
    title: 'mosquitto QoS 1 (not durable)',
    target: {
      dialect: 'mqtt',
      host: '127.0.0.1',
      port: tlsPort,
      serverName: 'localhost',
      caFile: context.certificate.certFile,
    },
    pinning: 'the process',
    pids: [child.pid],
    createDevices: async (count) => openLogins(count),
    stop: () => child.stop(),
  }
}

/** An instance of our own, beside whatever runs on the machine. */
export async function launchMosquitto(context: PeerContext, name: string): Promise<Mosquitto> {
  const command = CANDIDATES.find((file) => existsSync(file))
  if (command === undefined) throw new Error('mosquitto is not installed.')
  const [tlsPort, plainPort] = [await freePort(), await freePort()]
  const file = join(context.folder, `${name}.conf`)
  writeFileSync(file, configuration(context, tlsPort, plainPort))
  const child = new Child({
    name,
    command: '/bin/sh',
    // Thousands of connections need more descriptors than a shell allows by default.
    args: ['-c', 'ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"', command, '-c', file],
    ...(context.core !== undefined && { core: context.core }),
  })
  await Promise.all([waitForPort(child, tlsPort), waitForPort(child, plainPort)])
  return { child, tlsPort, plainPort }
}

function configuration({ certificate }: PeerContext, tlsPort: number, plainPort: number): string {
  return `${[
    // Started by root it would become a user who may not read the key.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    'allow_anonymous true',
    'persistence false',
    'set_tcp_nodelay true',
    'sys_interval 0',
    'max_inflight_messages 0',
    'max_queued_messages 100000',
    'log_dest stderr',
    'log_type error',
    `listener ${tlsPort} 127.0.0.1`,
    `certfile ${certificate.certFile}`,
    `keyfile ${certificate.keyFile}`,
    `listener ${plainPort} 127.0.0.1`,
  ].join('\n')}\n`
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

async function waitForPort(child: Child, port: number): Promise<void> {
  const until = performance.now() + START_DEADLINE_MS
  while (!(await accepts(port))) {
    if (child.ended) await child.next(0)
    if (performance.now() > until) throw new Error(`${child.name} does not listen on ${port}.`)
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
