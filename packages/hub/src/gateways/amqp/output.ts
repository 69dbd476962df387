import type { Duplex } from 'node:stream'
import { MAX_PENDING_WRITE_BYTES, MAX_READY_BYTES } from './limits.ts'

/** Who is told how it goes with the bytes of an `Output`. */
export interface OutputOwner {
  /** What can wait may go out again: the peer was slow, or more waited than should. */
  drained(): void
  /** The peer leaves more with us than it may. */
  overfull(): void
  wrote(): void
}

/** What goes out on a socket: gathered, and written once in each turn of the event loop. */
export class Output {
  readonly #socket: Duplex
  readonly #owner: OutputOwner
  #ready: Buffer[] = []
  #readyBytes = 0
  #heldBytes = 0
  #isPeerSlow = false
  #isClosed = false

  constructor(socket: Duplex, owner: OutputOwner) {
    this.#socket = socket
    this.#owner = owner
  }

  /** The socket is full: whoever causes more bytes has to wait. */
  get isPeerSlow(): boolean {
    return this.#isPeerSlow
  }

  /** Whether something that can wait should go out now: the peer reads what it gets. */
  get takesMore(): boolean {
    return !this.#isClosed && !this.#isPeerSlow && this.#pendingBytes < MAX_READY_BYTES
  }

  write(bytes: Buffer): void {
    if (this.#isClosed) return
    this.#ready.push(bytes)
    this.#readyBytes += bytes.length
    if (this.#ready.length === 1) setImmediate(() => this.flush())
    this.#check()
  }

  /** Transfers that wait for a window of the peer count as well. */
  heldChanged(bytes: number): void {
    const beforeBytes = this.#pendingBytes
    this.#heldBytes += bytes
    if (bytes > 0) this.#check()
    else this.#relieve(beforeBytes)
  }

  flush(): void {
    const beforeBytes = this.#pendingBytes
    const bytes = Buffer.concat(this.#ready, this.#readyBytes)
    this.#ready = []
    this.#readyBytes = 0
    if (bytes.length === 0 || this.#isClosed) return
    this.#owner.wrote()
    const isFlowing = this.#socket.write(bytes)
    if (isFlowing) this.#relieve(beforeBytes)
    if (isFlowing || this.#isPeerSlow) return
    this.#isPeerSlow = true
    this.#socket.once('drain', () => {
      this.#isPeerSlow = false
      this.#owner.drained()
    })
  }

  /** Nothing goes out any more. */
  close(): void {
    this.#isClosed = true
    this.#ready = []
    this.#readyBytes = 0
  }

  /** A socket that takes everything at once never drains, and a window opens without it. */
  #relieve(beforeBytes: number): void {
    if (beforeBytes >= MAX_READY_BYTES && this.takesMore) setImmediate(() => this.#owner.drained())
  }

  get #pendingBytes(): number {
    return this.#readyBytes + this.#heldBytes + this.#socket.writableLength
  }

  #check(): void {
    if (this.#pendingBytes > MAX_PENDING_WRITE_BYTES) this.#owner.overfull()
  }
}
