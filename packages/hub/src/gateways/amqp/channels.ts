import type { Connection } from './connection.ts'
import { MAX_CHANNEL } from './limits.ts'
import { Session } from './session.ts'
import { Fault } from './wire/fault.ts'
import { CODE, type Performative } from './wire/performatives.ts'

/** The sessions of one connection, by channel. */
export class Channels {
  readonly #connection: Connection
  readonly #sessions = new Map<number, Session>()
  /** Who goes on first when the peer takes more: another session each time. */
  #firstTurn = 0

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** @throws {Fault} the connection ends for it; what is one session's fault ends that session */
  receive(channel: number, performative: Performative): void {
    if (performative.code === CODE.begin) this.#begin(channel, performative)
    else this.#handle(channel, performative)
  }

  maySend(): void {
    const sessions = [...this.#sessions.values()]
    const first = this.#firstTurn++ % Math.max(sessions.length, 1)
    for (const session of sessions.slice(first)) session.maySend()
    for (const session of sessions.slice(0, first)) session.maySend()
  }

  /** The connection is gone. */
  ended(): void {
    for (const session of this.#sessions.values()) session.ended()
    this.#sessions.clear()
  }

  #begin(channel: number, { fields }: Performative): void {
    const old = this.#sessions.get(channel)
    if (channel > MAX_CHANNEL || (old && !old.isEnded)) {
      throw new Fault('amqp:connection:framing-error', `a begin on channel ${channel}`)
    }
    this.#sessions.set(channel, new Session(this.#connection, channel, fields))
  }

  #handle(channel: number, performative: Performative): void {
    const session = this.#sessions.get(channel)
    if (!session) {
      throw new Fault('amqp:connection:framing-error', `channel ${channel} has no session`)
    }
    if (performative.code === CODE.end) {
      this.#sessions.delete(channel)
      session.end()
      return
    }
    try {
      session.receive(performative)
    } catch (thrown) {
      if (!(thrown instanceof Fault) || thrown.condition === 'amqp:decode-error') throw thrown
      session.end({ condition: thrown.condition, description: thrown.message })
    }
  }
}
