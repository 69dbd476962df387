import { HubError } from '@twinward/protocol'
import type { Registrant } from '../../provisioning/registrations.ts'
import type { RegistrationAddress } from './addresses.ts'
import { unauthorized } from './conditions.ts'
import type { Connection } from './connection.ts'

/** Nobody registers for longer; a device that has to wait comes back. */
const MAX_REGISTRATION_MS = 10 * 60_000
/** Requests of one connection that are under way at once. */
const MAX_REQUESTS = 4

/** The device that came to register on a connection, if one did (11 §3.4). */
export class Registrants {
  readonly #connection: Connection
  #registrant: Registrant | undefined
  #requests = 0
  nextMs = Number.POSITIVE_INFINITY

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Whether one has proven to be enrolled. */
  get hasProof(): boolean {
    return this.#registrant !== undefined
  }

  /** @throws {HubError} as `Registrations.attest` */
  async prove(user: RegistrationAddress, token: string): Promise<void> {
    const { idScope, registrationId } = user
    const certificate = token === '' ? this.#connection.certificate() : undefined
    const address = this.#connection.remote
    const registrant = { idScope, registrationId, proof: { token, certificate }, address }
    const { clock, provisioning } = this.#connection.parts.hub
    await provisioning.registrations.attest(registrant)
    if (!this.#connection.isOpen || this.#registrant) return
    this.#registrant = registrant
    this.nextMs = clock.now() + MAX_REGISTRATION_MS
    this.#connection.watch(this)
  }

  /**
   * Who may use a link of this address: who came with a token for it, or has its certificate.
   *
   * @throws {HubError} as `Registrations.attest`
   */
  async at(address: RegistrationAddress): Promise<Registrant> {
    if (!this.#registrant) await this.prove(address, '')
    const known = this.#registrant
    if (!known || !isSame(known, address)) throw unauthorized('another registration id')
    return known
  }

  /** Runs one request. @throws {HubError} `ThrottlingException` when too many are under way */
  async run<T>(request: () => Promise<T>): Promise<T> {
    if (this.#requests >= MAX_REQUESTS) {
      throw new HubError('ThrottlingException', `At most ${MAX_REQUESTS} requests at once.`)
    }
    this.#requests++
    try {
      return await request()
    } finally {
      this.#requests--
    }
  }

  look(): void {
    this.#connection.close({
      condition: 'amqp:connection:forced',
      description: 'A registration does not take that long.',
    })
  }
}

function isSame(registrant: Registrant, address: RegistrationAddress): boolean {
  const keyOf = ({ idScope, registrationId }: Pick<Registrant, 'idScope' | 'registrationId'>) =>
    `${idScope}/${registrationId}`.toLowerCase()
  return keyOf(registrant) === keyOf(address)
}
