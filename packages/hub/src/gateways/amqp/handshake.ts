import { MAX_SASL_FRAME_BYTES } from './limits.ts'
import {
  readSaslInit,
  SASL_OK,
  SASL_REFUSED,
  type SaslChoice,
  type SaslCode,
  saslMechanisms,
  saslOutcome,
} from './sasl.ts'
import { Fault } from './wire/fault.ts'
import {
  type Frame,
  type FrameReader,
  PLAIN_HEADER,
  SASL_FRAME,
  SASL_HEADER,
} from './wire/frames.ts'
import { CODE, decodePerformative } from './wire/performatives.ts'

type State = 'first header' | 'sasl' | 'checking' | 'second header' | 'done' | 'refused'

/** What a handshake wants of its connection. */
export interface HandshakeOwner {
  /** Whether the peer may open the connection. */
  login(choice: SaslChoice): Promise<SaslCode>
  write(bytes: Buffer): void
  /** The peer is told already; `reason` is for the log. */
  refuse(reason: string): void
  /** A check is over: goes on with what came meanwhile. */
  goOn(): void
  failed(error: unknown): void
}

/** What comes before the open: a protocol header, or one for SASL, SASL, and another (04 §1). */
export class Handshake {
  readonly #owner: HandshakeOwner
  #state: State = 'first header'

  constructor(owner: HandshakeOwner) {
    this.#owner = owner
  }

  get isDone(): boolean {
    return this.#state === 'done'
  }

  /** Nothing may be handled until the check is over. */
  get isChecking(): boolean {
    return this.#state === 'checking'
  }

  /** @returns false when there is nothing complete to handle @throws {Fault} */
  handle(frames: FrameReader): boolean {
    if (this.#state !== 'sasl') return this.#handleHeader(frames.header())
    const frame = frames.next(MAX_SASL_FRAME_BYTES)
    if (!frame) return false
    this.#handleSasl(frame)
    return true
  }

  #handleHeader(header: Buffer | undefined): boolean {
    if (!header) return false
    const isFirst = this.#state === 'first header'
    if (header.equals(PLAIN_HEADER)) {
      this.#owner.write(PLAIN_HEADER)
      this.#state = 'done'
    } else if (header.equals(SASL_HEADER) && isFirst) {
      this.#owner.write(Buffer.concat([SASL_HEADER, saslMechanisms()]))
      this.#state = 'sasl'
    } else {
      // The header that we would have liked, then the end (part 2 §2.2 of the standard).
      this.#owner.write(isFirst ? SASL_HEADER : PLAIN_HEADER)
      this.#refuse('not the protocol header of AMQP 1.0')
    }
    return true
  }

  #handleSasl(frame: Frame): void {
    if (frame.type !== SASL_FRAME) throw new Fault('amqp:decode-error', 'not a SASL frame')
    const { code, fields } = decodePerformative(frame.body)
    if (code !== CODE.saslInit) throw new Fault('amqp:decode-error', 'not a sasl-init')
    const choice = readSaslInit(fields.text(0), fields.bytes(1) ?? Buffer.alloc(0))
    this.#state = 'checking'
    this.#owner.login(choice).then(
      (code) => this.#checked(code),
      (error) => {
        this.#owner.failed(error)
        this.#checked(SASL_REFUSED)
      },
    )
  }

  #checked(code: SaslCode): void {
    this.#owner.write(saslOutcome(code))
    if (code === SASL_OK) {
      this.#state = 'second header'
      this.#owner.goOn()
    } else this.#refuse('its SASL credentials were refused')
  }

  #refuse(reason: string): void {
    this.#state = 'refused'
    this.#owner.refuse(reason)
  }
}
