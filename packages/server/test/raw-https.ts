import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

/** A peer that writes what it likes. */
export interface RawPeer {
  readonly socket: TLSSocket
  /** Everything that came so far. */
  received(): string
  /** What came until the server closed. */
  closed: Promise<string>
}

/** A TLS connection that speaks no HTTP of its own. */
export async function openRaw(host: string, port: number): Promise<RawPeer> {
  const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] })
  const chunks: Buffer[] = []
  const received = () => Buffer.concat(chunks).toString('latin1')
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  // A reset ends the connection as well; what came before it is what a test looks at.
  socket.on('error', () => {})
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(received())))
  await once(socket, 'secureConnect')
  return { socket, received, closed }
}

/** The status, headers and body of each response in `text`. */
export function parseResponses(text: string): readonly RawResponse[] {
  const responses: RawResponse[] = []
  let rest = text
  while (rest.includes('\r\n\r\n')) {
    const end = rest.indexOf('\r\n\r\n')
    const [first = '', ...lines] = rest.slice(0, end).split('\r\n')
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
      }),
    )
    const length = Number(headers['content-length'] ?? 0)
    const bytes = Buffer.from(rest.slice(end + 4, end + 4 + length), 'latin1')
    responses.push({ status: Number(first.split(' ')[1]), headers, body: bytes.toString() })
    rest = rest.slice(end + 4 + length)
  }
  return responses
}

export interface RawResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
