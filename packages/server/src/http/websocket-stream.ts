import { Duplex } from 'node:stream'
import { WebSocket } from 'ws'

/** Close codes of RFC 6455 §7.4.1. */
const NORMAL = 1000
const GOING_AWAY = 1001
const UNSUPPORTED_DATA = 1003

/**
 * The server's end of a WebSocket as a stream of bytes, whatever its frames are. Backpressure reaches
 * the peer both ways. It has closed when the socket below is gone, at most the WebSocket's
 * `closeTimeout` after `end` or `destroy`.
 */
export class WebSocketStream extends Duplex {
  readonly #socket: WebSocket
  /** Whether the peer has been heard since the last `ping`. */
  #isAlive = true
  #closeCode = GOING_AWAY
  #whenClosed: (() => void) | undefined

  constructor(socket: WebSocket) {
    super({ allowHalfOpen: false })
    this.#socket = socket
    socket.on('message', (data, isBinary) => this.#receive(data as Buffer, isBinary))
    socket.on('ping', () => this.#heard())
    socket.on('pong', () => this.#heard())
    socket.on('error', (error) => this.destroy(error))
    socket.on('close', () => this.#closed())
  }

  /** Asks the peer for a sign of life; one that has given none since the last time is cut off. */
  ping(): void {
    // What the peer says while its bytes are held up is not heard.
    if (this.#socket.readyState !== WebSocket.OPEN || this.#socket.isPaused) return
    if (!this.#isAlive) this.terminate()
    else {
      this.#isAlive = false
      this.#socket.ping()
    }
  }

  /** Ends it at once, without a closing handshake. */
  terminate(): void {
    this.#socket.terminate()
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    // Called back when the chunk has gone out, so what is not yet sent counts as unwritten.
    this.#socket.send(chunk, { binary: true }, done)
  }

  override _final(done: () => void): void {
    this.#socket.close(NORMAL)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    if (this.#socket.readyState === WebSocket.CLOSED) {
      done(error)
      return
    }
    this.#whenClosed = () => done(error)
    // The peer's half of the closing handshake must get through.
    this.#socket.resume()
    this.#socket.close(this.#closeCode)
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#heard()
    if (this.destroyed) return
    if (!isBinary) {
      this.#closeCode = UNSUPPORTED_DATA
      this.destroy(new Error('a text frame'))
    } else if (data.length > 0 && !this.push(data)) this.#socket.pause()
  }

  #heard(): void {
    this.#isAlive = true
  }

  #closed(): void {
    if (this.#whenClosed) this.#whenClosed()
    else if (this.writableEnded) this.destroy()
    // What has come is still read.
    else this.push(null)
  }
}
