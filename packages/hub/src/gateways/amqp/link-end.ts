import { MAX_ANNOUNCED_MESSAGE_BYTES } from './limits.ts'
import type { Session } from './session.ts'
import {
  type AmqpError,
  type Attach,
  type AttachAnswer,
  attachAnswer,
  CODE,
  encodePerformative,
  errorValue,
} from './wire/performatives.ts'
import { uint } from './wire/values.ts'

type State = 'waiting' | 'open' | 'detached'

/** What the hub says of a link it opens, beyond what the peer asked for. */
export type AnswerTerms = Pick<AttachAnswer, 'filter' | 'isPresettled'>

/** One end of a link: what both directions share. */
export abstract class LinkEnd {
  readonly attach: Attach
  readonly session: Session
  protected state: State = 'waiting'

  constructor(session: Session, attach: Attach) {
    this.session = session
    this.attach = attach
  }

  /** The peer has not detached and was not detached. */
  get isAlive(): boolean {
    return this.state !== 'detached'
  }

  get isOpen(): boolean {
    return this.state === 'open'
  }

  /** Ends the link from our side; an attach that was not answered yet is refused. */
  detach(error: AmqpError): void {
    if (this.state === 'detached') return
    if (this.state === 'waiting') this.answer(false)
    this.end()
    this.write(CODE.detach, [uint(this.attach.handle), true, errorValue(error)])
  }

  /** The peer has detached, or session or connection are gone. */
  ended(): void {
    if (this.state !== 'detached') this.end()
  }

  protected abstract onEnd(): void

  protected end(): void {
    this.state = 'detached'
    this.onEnd()
  }

  protected answer(isAccepted: boolean, terms: AnswerTerms = {}): void {
    const maxMessageBytes = MAX_ANNOUNCED_MESSAGE_BYTES
    this.session.writeFrame(attachAnswer(this.attach, { isAccepted, maxMessageBytes, ...terms }))
  }

  protected write(code: number, fields: Parameters<typeof encodePerformative>[1]): void {
    this.session.writeFrame(encodePerformative(code, fields))
  }
}
