import { readFileSync } from 'node:fs'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { CONNACK, encodeConnect, encodeSubscribe, SUBACK } from './packets.ts'
import type { DeviceLogin, Target } from './plan.ts'

/** Longer than any benchmark, and the longest that IoT Hub allows. */
const KEEP_ALIVE_SECONDS = 1_177
const CONNECT_DEADLINE_MS = 30_000
/** Handshakes under way at once. */
const CONNECT_WINDOW = 50
/** One buffer serves every connection: each read is consumed before the next one starts. */
const READ_BUFFER_BYTES = 64 * 1024

/** Bytes that came in; valid only until the function returns. */
export type Receive = (bytes: Uint8Array, length: number) => void

/** A device's TLS connection, signed in and subscribed. */
export interface Connection {
  readonly socket: TLSSocket
  /** Who gets the bytes from now on. */
  receive: Receive
}

export interface ConnectRequest {
  readonly target: Target
  readonly device: DeviceLogin
  readonly filters: readonly string[]
  readonly localAddress?: string
}

const readBuffer = Buffer.allocUnsafe(READ_BUFFER_BYTES)
const certificates = new Map<string, Buffer>()

/** Connects all of them, `CONNECT_WINDOW` at once, and keeps their order. */
export async function connectAll(requests: readonly ConnectRequest[]): Promise<Connection[]> {
  const connections: Connection[] = new Array(requests.length)
  const waiting = requests.entries()
  const workers = Array.from({ length: CONNECT_WINDOW }, async () => {
    for (const [index, request] of waiting) connections[index] = await connectDevice(request)
  })
  await Promise.all(workers)
  return connections
}

/** "TLSv1.3 TLS_AES_256_GCM_SHA384 prime256v1": so that a table can say all servers did the same. */
export function describeTls(socket: TLSSocket): string {
  const certificate = socket.getPeerCertificate() as { asn1Curve?: string; bits?: number }
  const key = certificate.asn1Curve ?? `RSA-${certificate.bits}`
  return `${socket.getProtocol()} ${socket.getCipher().standardName} ${key}`
}

async function connectDevice(request: ConnectRequest): Promise<Connection> {
  const { target, device, filters } = request
  const connection = await openTls(request)
  if (target.dialect === 'echo') return connection
  const { deviceId: clientId, userName, password } = device
  const login = { clientId, userName, password, keepAliveSeconds: KEEP_ALIVE_SECONDS }
  const refusal = await exchange(connection, encodeConnect(login), CONNACK)
  if (refusal !== 0) throw new Error(`${clientId} was refused with CONNACK ${refusal}.`)
  for (const [index, filter] of filters.entries()) {
    const granted = await exchange(connection, encodeSubscribe(index + 1, filter), SUBACK)
    if (granted >= 0x80) throw new Error(`${clientId} may not subscribe to ${filter}.`)
  }
  return connection
}

/** TLS to the target. A connection that ends once it was open ends the whole load program. */
export function openTls(request: {
  readonly target: Target
  readonly localAddress?: string
}): Promise<Connection> {
  const { target, localAddress } = request
  return new Promise((resolve, reject) => {
    const options: ConnectionOptions & { onread: object } = {
      host: target.host,
      port: target.port,
      servername: target.serverName,
      ca: certificate(target.caFile),
      onread: {
        buffer: readBuffer,
        callback: (length: number, bytes: Uint8Array) => {
          connection.receive(bytes, length)
          return true
        },
      },
      ...(localAddress !== undefined && { localAddress }),
    }
    const socket = connect(options)
    const connection: Connection = { socket, receive: () => {} }
    socket.setNoDelay(true)
    const late = new Error('The TLS handshake took too long.')
    const deadline = setTimeout(() => socket.destroy(late), CONNECT_DEADLINE_MS)
    socket.once('error', reject)
    socket.once('secureConnect', () => {
      clearTimeout(deadline)
      socket.off('error', reject)
      socket.once('error', endLost)
      socket.once('end', () => endLost(new Error('The server ended a connection.')))
      resolve(connection)
    })
  })
}

/** Ends these connections. */
export function closeAll(connections: readonly Connection[]): void {
  for (const { socket } of connections) {
    socket.removeAllListeners('end')
    socket.destroy()
  }
}

function endLost(error: Error): void {
  process.stderr.write(`Connection lost: ${error.message}\n`)
  process.exit(1)
}

/** Sends a packet and resolves to the last byte of the answer, which holds its code. */
function exchange(connection: Connection, packet: Buffer, answerType: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const late = new Error(`No answer of type ${answerType} came in time.`)
    const deadline = setTimeout(() => reject(late), CONNECT_DEADLINE_MS)
    let received = Buffer.alloc(0)
    connection.receive = (bytes, length) => {
      received = Buffer.concat([received, bytes.subarray(0, length)])
      // CONNACK and SUBACK for one filter: two bytes of header and at most three more.
      const size = 2 + (received[1] ?? Number.POSITIVE_INFINITY)
      if (received.length < size) return
      clearTimeout(deadline)
      const type = (received[0] ?? 0) >> 4
      if (type === answerType) resolve(received[size - 1] ?? 0xff)
      else reject(new Error(`Packet type ${type} came instead of ${answerType}.`))
    }
    connection.socket.write(packet)
  })
}

function certificate(file: string): Buffer {
  const known = certificates.get(file)
  if (known) return known
  const read = readFileSync(file)
  certificates.set(file, read)
  return read
}
