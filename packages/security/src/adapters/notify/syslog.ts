import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { connect as connectTls } from 'node:tls'
import type { SyslogSettings } from '../../notifications/channel.ts'
import type { Delivery } from '../../notifications/delivery.ts'
import { ATTEMPT_TIMEOUT_MS, MAX_TOGETHER } from '../../notifications/limits.ts'
import { syslogLine } from '../../notifications/syslog-line.ts'
import type { SendFailure, Transport } from '../../notifications/transport.ts'
import { reasonOf } from './reason.ts'
import { unlessClosed } from './unless-closed.ts'

/** What every receiver takes: of a datagram, and of a message on a stream. */
const MAX_DATAGRAM_BYTES = 2_048
const MAX_MESSAGE_BYTES = 8_000

/**
 * Sends syslog messages with CEF: one a datagram, or on a stream with their length before them (RFC 6587,
 * RFC 5425). Syslog acknowledges nothing: sent is what the other end's system took.
 */
export class SyslogTransport implements Transport {
  readonly batch = MAX_TOGETHER
  readonly pauseMs = 0
  readonly #settings: SyslogSettings
  readonly #version: string
  readonly #closing = new AbortController()
  #stream: Socket | undefined

  constructor(settings: SyslogSettings, version: string) {
    this.#settings = settings
    this.#version = version
  }

  async send(deliveries: readonly Delivery[]): Promise<readonly (SendFailure | undefined)[]> {
    const { protocol, facility } = this.#settings
    const isUdp = protocol === 'udp'
    const options = {
      ...{ facility, hostName: hostname(), processId: process.pid, version: this.#version },
      maxBytes: isUdp ? MAX_DATAGRAM_BYTES : MAX_MESSAGE_BYTES,
    }
    const messages = deliveries.map((delivery) => Buffer.from(syslogLine(delivery, options)))
    const { signal } = this.#closing
    if (signal.aborted) return deliveries.map(() => ({ reason: 'the channel is closed' }))
    const sending = isUdp ? this.#sendDatagrams(messages) : this.#write(messages)
    const failure = await withReason(unlessClosed(signal, sending))
    return deliveries.map(() => failure)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#stream?.destroy()
  }

  async #sendDatagrams(messages: readonly Buffer[]): Promise<void> {
    const { host, port } = this.#settings
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' })
    // An error between two datagrams is nobody's; the next one of them fails with it.
    socket.on('error', () => {})
    try {
      // Connected, so that the other end's "nobody is here" comes back as an error.
      socket.connect(port, host)
      await once(socket, 'connect', { signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS) })
      for (const message of messages) await sendDatagram(socket, message)
    } finally {
      socket.close()
    }
  }

  async #write(messages: readonly Buffer[]): Promise<void> {
    const stream = await this.#connected()
    const frames = messages.flatMap((message) => [Buffer.from(`${message.byteLength} `), message])
    const signal = AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)
    const give = () => stream.destroy(new Error('the other end takes nothing'))
    signal.addEventListener('abort', give, { once: true })
    try {
      await new Promise<void>((resolve, reject) => {
        stream.write(Buffer.concat(frames), (error) => (error ? reject(error) : resolve()))
      })
    } finally {
      signal.removeEventListener('abort', give)
    }
  }

  /** One connection for all; a broken one is replaced. */
  async #connected(): Promise<Socket> {
    if (this.#stream && !this.#stream.destroyed && this.#stream.writable) return this.#stream
    const { host, port, protocol, ca } = this.#settings
    const isTls = protocol === 'tls'
    const trust = ca === undefined ? {} : { ca }
    const stream = isTls
      ? connectTls({
          host,
          port,
          minVersion: 'TLSv1.2',
          rejectUnauthorized: true,
          ...nameOf(host),
          ...trust,
        })
      : connectTcp({ host, port })
    this.#stream = stream
    stream.setNoDelay(true)
    // What it says is not listened to, but the end of it is.
    stream.on('error', () => {}).on('end', () => stream.destroy())
    stream.resume()
    try {
      const signal = AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)
      await once(stream, isTls ? 'secureConnect' : 'connect', { signal })
    } catch (error) {
      stream.destroy()
      throw error
    }
    return stream
  }
}

/** An address cannot be asked for by name. */
function nameOf(host: string): { readonly servername?: string } {
  return isIP(host) === 0 ? { servername: host } : {}
}

function sendDatagram(socket: ReturnType<typeof createSocket>, message: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => reject(error)
    socket.once('error', failed)
    socket.send(message, (error) => {
      socket.off('error', failed)
      if (error) reject(error)
      else resolve()
    })
  })
}

async function withReason(sending: Promise<void>): Promise<SendFailure | undefined> {
  try {
    await sending
    return undefined
  } catch (error) {
    const isLate = error instanceof Error && error.name === 'AbortError'
    return { reason: isLate ? 'the other end does not answer' : reasonOf(error) }
  }
}
