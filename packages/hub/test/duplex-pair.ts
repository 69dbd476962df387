import { Duplex } from 'node:stream'

/** Two ends of a connection without a network; what one writes the other reads. */
export function duplexPair(): readonly [Duplex, Duplex] {
  const ends: [End, End] = [new End(), new End()]
  ends[0].other = ends[1]
  ends[1].other = ends[0]
  return ends
}

class End extends Duplex {
  other: End | undefined
  #resume: (() => void) | undefined

  constructor() {
    super({ allowHalfOpen: false })
  }

  override _read(): void {
    const resume = this.other?.takeResume()
    if (resume) setImmediate(resume)
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const { other } = this
    // A copy, as on a network: what the sender does with its buffer later is its own affair.
    if (!other || other.destroyed) done()
    else if (other.push(Buffer.from(chunk))) setImmediate(done)
    else this.#resume = done
  }

  override _final(done: () => void): void {
    if (this.other && !this.other.destroyed) this.other.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const { other } = this
    if (other && !other.destroyed) setImmediate(() => other.destroyed || other.push(null))
    done(error)
  }

  takeResume(): (() => void) | undefined {
    const resume = this.#resume
    this.#resume = undefined
    return resume
  }
}
