const END_OF_HEAD = '\r\n\r\n'
const LENGTH = /^content-length: *(\d+)/im

/** What a service hears on one connection; only each answer's status and length are looked at. */
export class HttpAnswers {
  #rest: Buffer = Buffer.alloc(0)

  /**
   * @returns how many answers these bytes complete
   * @throws {Error} for an answer that is not 200
   */
  take(bytes: Uint8Array, length: number): number {
    const fresh = Buffer.from(bytes.buffer, bytes.byteOffset, length)
    const all = this.#rest.length === 0 ? fresh : Buffer.concat([this.#rest, fresh])
    let done = 0
    let at = 0
    for (let size = answerBytes(all); size <= all.length - at; ) {
      done++
      at += size
      size = answerBytes(all.subarray(at))
    }
    // The bytes are only lent; a copy is needed of what is kept.
    this.#rest = at === all.length ? EMPTY : Buffer.from(all.subarray(at))
    return done
  }
}

const EMPTY = Buffer.alloc(0)

/** Bytes of the first answer, head and body; infinite while its head is incomplete. */
function answerBytes(bytes: Buffer): number {
  const headEnd = bytes.indexOf(END_OF_HEAD)
  if (headEnd < 0) return Number.POSITIVE_INFINITY
  const head = bytes.toString('latin1', 0, headEnd)
  if (!head.startsWith('HTTP/1.1 200')) throw new Error(`The service got: ${head.slice(0, 200)}`)
  const bodyBytes = LENGTH.exec(head)?.[1]
  if (bodyBytes === undefined) throw new Error('The answer has no content-length.')
  return headEnd + END_OF_HEAD.length + Number(bodyBytes)
}
