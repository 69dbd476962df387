import { CLOCK_SKEW_MS, type DeviceRef, HubError, parseSas, refKey } from '@twinward/protocol'
import type { Hub } from '../../hub.ts'
import type { Proof } from '../../registry/client-certificate.ts'
import { parseEventUrl } from '../../registry/event-addresses.ts'
import { HUB_RIGHTS, type Right } from '../../registry/policies.ts'
import { type Audience, parseAudience } from './addresses.ts'
import { unauthorized } from './conditions.ts'
import type { Connection } from './connection.ts'
import { DeviceClient } from './device-client.ts'
import { ATTACH_DEADLINE_MS, MAX_TOKENS } from './limits.ts'
import type { Link } from './link.ts'
import { OpenedLinks } from './opened-links.ts'
import { findReaderProof, type HeldToken, type ReaderManner, readerKey } from './reader-proof.ts'
import { Registrants } from './registrants.ts'
import { tellRefused } from './tell-refused.ts'
import { TokenWaits } from './token-waits.ts'

/** Proves an identity on a connection for as long as it lasts, in place of a token. */
export const CERTIFICATE = 'certificate'

interface StoredToken extends HeldToken {
  readonly expiresAtMs: number
}

/**
 * Who speaks on one connection: tokens by what they were put for, and the identities they have opened.
 * There may be many; each link is authorised for its own (04 §3.3).
 */
export class Clients {
  /** An AMQP client with a certificate and CBS means its tokens. */
  usesCbs = false
  /** Who came for the provisioning service instead. */
  readonly registrants: Registrants
  readonly #connection: Connection
  /** By `/devices/{d}…`, by another path, or by the empty text for the hub as a whole. */
  readonly #tokens = new Map<string, StoredToken>()
  readonly #devices = new Map<string, DeviceClient>()
  readonly #waits = new TokenWaits()
  readonly #links = new OpenedLinks()
  readonly #owners = new Map<Link, DeviceClient>()
  #hasProof = false
  #isEnded = false

  constructor(connection: Connection) {
    this.#connection = connection
    this.registrants = new Registrants(connection)
  }

  /** Whether anybody has proven anything since the connection began. */
  get hasProof(): boolean {
    return this.#hasProof || this.registrants.hasProof
  }

  /**
   * Checks a token and keeps it for what it is put for. A token for the same takes its place.
   *
   * @throws {HubError} `IotHubUnauthorized`, `IotHubUnauthorizedAccess`; `ArgumentInvalid` for an
   *   audience that is none; `IotHubMaxCbsTokenExceeded`
   */
  async putToken(name: string, text: string): Promise<void> {
    const audience = parseAudience(name)
    if (!audience)
      throw new HubError('ArgumentInvalid', 'name must be the host or a path below it.')
    const eventPath = parseEventUrl(name, this.#hub.hostNames)
    if (eventPath) {
      this.#putReaderToken(eventPath, text)
      return
    }
    if (!this.#hub.hostNames.matches(audience.host)) throw unauthorized('an audience elsewhere')
    if (audience.refs.length > 0) await this.#putDeviceToken(audience, text)
    else this.putServiceToken(audience.path, text)
  }

  /**
   * The identity on this connection, once a token or the certificate has proven it; waits for one.
   *
   * @throws {HubError} `IotHubUnauthorized`, `IotHubUnauthorizedAccess`
   */
  async device(link: Link, ref: DeviceRef): Promise<DeviceClient> {
    for (;;) {
      const key = this.#keyFor(ref)
      if (key !== undefined) {
        const client = await this.#open(ref, key)
        if (!link.isAlive) throw unauthorized('the link is gone')
        this.#links.add(link, { key })
        this.#owners.set(link, client)
        client.add(link)
        return client
      }
      await this.#newToken(link)
    }
  }

  /** Resolves when a service has proven that it may do this; waits for its token. */
  async service(link: Link, path: string, ...anyOf: readonly Right[]): Promise<void> {
    const check = (authorization: string) => {
      this.#hub.authenticator.service({ authorization, path }, ...anyOf)
    }
    for (;;) {
      let refusal: unknown
      for (const [key, { text }] of this.#tokens) {
        if (key.startsWith('/')) continue
        try {
          check(text)
          this.#links.add(link, { key, check })
          return
        } catch (thrown) {
          refusal = thrown
        }
      }
      if (refusal) throw refusal
      await this.#newToken(link)
    }
  }

  /**
   * How somebody has proven that he may read events there; waits for his token.
   *
   * @param path  below the entity, in lower case
   * @throws {HubError} `IotHubUnauthorized`, `IotHubUnauthorizedAccess`
   */
  async reader(
    link: Link,
    path: readonly string[],
    ...allOf: readonly Right[]
  ): Promise<ReaderManner> {
    for (;;) {
      const proof = findReaderProof(this.#hub, this.#tokens, path, allOf)
      if (!link.isAlive) throw unauthorized('the link is gone')
      if (proof) {
        this.#links.add(link, proof)
        return proof.manner
      }
      await this.#newToken(link)
    }
  }

  linkEnded(link: Link): void {
    this.#links.delete(link)
    this.#owners.get(link)?.remove(link)
    this.#owners.delete(link)
  }

  /** Whether the connection is this identity's: it stays connected without links. */
  isAlone(client: DeviceClient): boolean {
    return this.#devices.size === 1 && this.#devices.get(refKey(client.ref)) === client
  }

  deviceEnded(client: DeviceClient): void {
    const key = refKey(client.ref)
    if (this.#devices.get(key) === client) this.#devices.delete(key)
  }

  /** Something may be due. */
  look(nowMs: number): void {
    this.#waits.look(nowMs)
    for (const [key, { expiresAtMs }] of [...this.#tokens]) {
      if (expiresAtMs <= nowMs) this.#expire(key)
    }
    for (const client of [...this.#devices.values()]) {
      if (client.key === CERTIFICATE && client.credential.expiresAtMs <= nowMs) {
        client.end({ condition: 'amqp:unauthorized-access', description: 'certificate expired' })
      }
    }
  }

  /** When the first of what `look` looks for falls due. */
  get nextMs(): number {
    let { nextMs } = this.#waits
    const sooner = (atMs: number) => {
      nextMs = Math.min(nextMs, atMs)
    }
    for (const { expiresAtMs } of this.#tokens.values()) sooner(expiresAtMs)
    for (const { key, credential } of this.#devices.values()) {
      if (key === CERTIFICATE) sooner(credential.expiresAtMs)
    }
    return nextMs
  }

  /** The connection is gone. */
  ended(): void {
    this.#isEnded = true
    this.#waits.ended()
    for (const client of [...this.#devices.values()]) client.ended()
    this.#devices.clear()
    this.#tokens.clear()
  }

  get #hub(): Hub {
    return this.#connection.parts.hub
  }

  async #putDeviceToken({ refs }: Audience, text: string): Promise<void> {
    let refusal: unknown
    for (const ref of refs) {
      try {
        await this.#hub.authenticator.connect(ref, { token: text })
      } catch (thrown) {
        refusal ??= thrown
        continue
      }
      const key = keyOf(ref)
      const isRenewal = this.#tokens.has(key)
      this.#store(key, text)
      // A renewal says nothing new: an older client must not take over from a newer one by it.
      if (!isRenewal || this.#devices.has(refKey(ref))) await this.#open(ref, key)
      return
    }
    tellRefused(this.#connection, refs[0], refusal)
    throw refusal
  }

  /**
   * As `putToken` for a policy, below a path of the hub or, for '', all of it.
   *
   * @param isPolicyKey  it was made of the policy's name and key, as Event Hubs' clients show them
   * @throws {HubError} `IotHubUnauthorized`, `IotHubUnauthorizedAccess`; `IotHubMaxCbsTokenExceeded`
   */
  putServiceToken(path: string, text: string, isPolicyKey = false): void {
    this.#hub.authenticator.service({ authorization: text, path: `/${path}` }, ...HUB_RIGHTS)
    this.#store(path, text, isPolicyKey)
  }

  #putReaderToken(path: readonly string[], text: string): void {
    this.#hub.authenticator.reader(text, path, 'ServiceConnect')
    this.#store(readerKey(path), text)
  }

  #store(key: string, text: string, isPolicyKey = false): void {
    if (this.#isEnded) return
    if (this.#tokens.size >= MAX_TOKENS && !this.#tokens.has(key)) {
      throw new HubError('IotHubMaxCbsTokenExceeded', `A connection may have ${MAX_TOKENS} tokens.`)
    }
    const { expiresAtMs = 0 } = parseSas(text) ?? {}
    this.#hasProof = true
    this.#tokens.set(key, { text, isPolicyKey, expiresAtMs: expiresAtMs + CLOCK_SKEW_MS })
    this.#connection.lookBy(expiresAtMs + CLOCK_SKEW_MS)
    this.#links.replaced(key, text, this.#hub.log)
    this.#waits.tokenPut()
  }

  /** What on this connection may prove an identity, the closest first. */
  #keyFor(ref: DeviceRef): string | undefined {
    const { deviceId } = ref
    const keys = [keyOf(ref), keyOf({ deviceId }), 'devices', '']
    const key = keys.find((candidate) => this.#tokens.has(candidate))
    if (key !== undefined) return key
    const hasCertificate = !this.usesCbs && this.#connection.certificate() !== undefined
    return hasCertificate ? CERTIFICATE : undefined
  }

  async #open(ref: DeviceRef, key: string): Promise<DeviceClient> {
    const proof = this.#proofOf(key)
    const credential = await this.#hub.authenticator.connect(ref, proof)
    if (this.#isEnded) throw unauthorized('the connection ended')
    const known = this.#devices.get(refKey(ref))
    if (known) {
      known.prove(key, credential)
      return known
    }
    const client = new DeviceClient(this.#connection, ref, { key, credential })
    this.#hasProof = true
    this.#devices.set(refKey(ref), client)
    if (key === CERTIFICATE) this.#connection.lookBy(credential.expiresAtMs)
    this.#hub.sessions.open(client)
    try {
      // What changed before there was a session has told nobody here.
      await this.#hub.authenticator.connect(ref, proof)
    } catch (thrown) {
      client.close('the credential changed')
      throw thrown
    }
    return client
  }

  #proofOf(key: string): Proof {
    if (key === CERTIFICATE) return { token: '', certificate: this.#connection.certificate() }
    return { token: this.#tokens.get(key)?.text ?? '' }
  }

  /** Resolves when a token was put; `look` rejects it when none comes. */
  #newToken(link: Link): Promise<void> {
    if (this.#isEnded || !link.isAlive) return Promise.reject(unauthorized('the link is gone'))
    const untilMs = this.#hub.clock.now() + ATTACH_DEADLINE_MS
    this.#connection.lookBy(untilMs)
    return this.#waits.wait(untilMs)
  }

  #expire(key: string): void {
    this.#tokens.delete(key)
    const error = { condition: 'amqp:unauthorized-access', description: 'The token has expired.' }
    for (const client of [...this.#devices.values()]) if (client.key === key) client.end(error)
    for (const link of this.#links.by(key)) link.detach(error)
  }
}

/** Under which the token of an identity is kept; the slash keeps it apart from other paths. */
function keyOf({ deviceId, moduleId }: DeviceRef): string {
  return moduleId === undefined ? `/${deviceId}` : `/${deviceId}/${moduleId}`
}
