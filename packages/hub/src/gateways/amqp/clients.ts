import { createHmac } from 'node:crypto'
import {
  CLOCK_SKEW_MS,
  type DeviceRef,
  formatSas,
  HubError,
  parseSas,
  refKey,
} from '@twinward/protocol'
import type { Hub } from '../../hub.ts'
import type { Proof } from '../../registry/client-certificate.ts'
import type { Right } from '../../registry/policies.ts'
import { type Audience, parseAudience } from './addresses.ts'
import { unauthorized } from './conditions.ts'
import type { Connection } from './connection.ts'
import { DeviceClient } from './device-client.ts'
import { ATTACH_DEADLINE_MS, MAX_TOKENS, MAX_WAITING_ATTACHES } from './limits.ts'
import type { Link } from './link.ts'
import type { SaslChoice } from './sasl.ts'

/** Proves an identity on a connection for as long as it lasts, in place of a token. */
export const CERTIFICATE = 'certificate'
const ANY_RIGHT: readonly Right[] = [
  'ServiceConnect',
  'DeviceConnect',
  'RegistryRead',
  'RegistryWrite',
]
/** For how long a policy's key that came by PLAIN opens a connection. */
const KEY_LIFETIME_MS = 365 * 24 * 3600_000

interface StoredToken {
  readonly text: string
  readonly expiresAtMs: number
}

interface Waiting {
  readonly untilMs: number
  readonly resolve: () => void
  readonly reject: (error: HubError) => void
}

/**
 * Who speaks on one connection: tokens by what they were put for, and the identities they have opened.
 * There may be many; each link is authorised for its own (04 §3.3).
 */
export class Clients {
  /** An AMQP client with a certificate and CBS means its tokens. */
  usesCbs = false
  readonly #connection: Connection
  /** By `/devices/{d}…`, by another path, or by the empty text for the hub as a whole. */
  readonly #tokens = new Map<string, StoredToken>()
  readonly #devices = new Map<string, DeviceClient>()
  readonly #waiting = new Set<Waiting>()
  /** Which token opened a link. */
  readonly #links = new Map<Link, string>()
  readonly #owners = new Map<Link, DeviceClient>()
  #hasProof = false
  #isEnded = false

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Whether anybody has proven anything since the connection began. */
  get hasProof(): boolean {
    return this.#hasProof
  }

  /** @returns whether the peer may open the connection (04 §1.1) */
  async authenticate(choice: SaslChoice): Promise<boolean> {
    if (choice.kind === 'later') return true
    if (choice.kind === 'certificate') return this.#connection.certificate() !== undefined
    if (choice.kind === 'unknown') return false
    try {
      await this.#authenticatePlain(choice.user, choice.password)
      return true
    } catch (thrown) {
      if (thrown instanceof HubError && thrown.code !== 'ServerError') return false
      throw thrown
    }
  }

  /**
   * Checks a token and keeps it for what it is put for. A token for the same takes its place.
   *
   * @throws {HubError} `IotHubUnauthorized`, `IotHubUnauthorizedAccess`; `ArgumentInvalid` for an
   *   audience that is none; `ThrottlingException` when there are too many
   */
  async putToken(name: string, text: string): Promise<void> {
    const audience = parseAudience(name)
    if (!audience)
      throw new HubError('ArgumentInvalid', 'name must be the host or a path below it.')
    if (!this.#hub.hostNames.matches(audience.host)) throw unauthorized('an audience elsewhere')
    if (audience.refs.length > 0) await this.#putDeviceToken(audience, text)
    else this.#putServiceToken(audience.path, text)
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
        this.#links.set(link, key)
        this.#owners.set(link, client)
        client.add(link)
        return client
      }
      await this.#newToken(link)
    }
  }

  /** Resolves when a service has proven that it may do this; waits for its token. */
  async service(link: Link, path: string, ...anyOf: readonly Right[]): Promise<void> {
    for (;;) {
      let refusal: unknown
      for (const [key, { text }] of this.#tokens) {
        if (key.startsWith('/')) continue
        try {
          this.#hub.authenticator.service({ authorization: text, path }, ...anyOf)
          this.#links.set(link, key)
          return
        } catch (thrown) {
          refusal = thrown
        }
      }
      if (refusal) throw refusal
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

  tick(nowMs: number): void {
    for (const waiting of [...this.#waiting]) {
      if (waiting.untilMs > nowMs) continue
      this.#waiting.delete(waiting)
      waiting.reject(unauthorized('no token came in time'))
    }
    for (const [key, { expiresAtMs }] of [...this.#tokens]) {
      if (expiresAtMs <= nowMs) this.#expire(key)
    }
    for (const client of [...this.#devices.values()]) {
      if (client.key === CERTIFICATE && client.credential.expiresAtMs <= nowMs) {
        client.end({ condition: 'amqp:unauthorized-access', description: 'certificate expired' })
      }
    }
  }

  /** The connection is gone. */
  ended(): void {
    this.#isEnded = true
    for (const waiting of this.#waiting) waiting.reject(unauthorized('the connection ended'))
    this.#waiting.clear()
    for (const client of [...this.#devices.values()]) client.ended()
    this.#devices.clear()
    this.#tokens.clear()
  }

  get #hub(): Hub {
    return this.#connection.parts.hub
  }

  async #authenticatePlain(user: string, password: string): Promise<void> {
    const host = this.#hub.hostNames.primary
    const policy = /^(.{1,128})@sas\.root\..+$/s.exec(user)?.[1]
    const identity = /^(.{1,300})@sas\..+$/s.exec(user)?.[1]
    if (policy !== undefined) {
      if (parseSas(password)?.policyName !== policy) throw unauthorized('a token of another policy')
      this.#putServiceToken('', password)
    } else if (identity !== undefined) await this.putToken(`${host}/devices/${identity}`, password)
    else this.#putServiceToken('', this.#tokenOfKey(user, password))
  }

  /** A policy's name and key prove as much as the token that one can make of them. */
  #tokenOfKey(policyName: string, key: string): string {
    const { hostNames, clock } = this.#hub
    const expiresAtS = Math.floor((clock.now() + KEY_LIFETIME_MS) / 1000)
    const sign = (text: string) =>
      createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64')
    return formatSas(hostNames.primary, expiresAtS, sign, encodeURIComponent(policyName))
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
    throw refusal
  }

  #putServiceToken(path: string, text: string): void {
    this.#hub.authenticator.service({ authorization: text, path: `/${path}` }, ...ANY_RIGHT)
    this.#store(path, text)
  }

  #store(key: string, text: string): void {
    if (this.#isEnded) return
    if (this.#tokens.size >= MAX_TOKENS && !this.#tokens.has(key)) {
      throw new HubError('ThrottlingException', `A connection may have ${MAX_TOKENS} tokens.`)
    }
    const { expiresAtMs = 0 } = parseSas(text) ?? {}
    this.#hasProof = true
    this.#tokens.set(key, { text, expiresAtMs: expiresAtMs + CLOCK_SKEW_MS })
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const { resolve } of waiting) resolve()
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

  /** Resolves when a token was put; `tick` rejects it when none comes. */
  #newToken(link: Link): Promise<void> {
    if (this.#isEnded || !link.isAlive) return Promise.reject(unauthorized('the link is gone'))
    if (this.#waiting.size >= MAX_WAITING_ATTACHES) {
      return Promise.reject(unauthorized('too many links wait for a token'))
    }
    const untilMs = this.#hub.clock.now() + ATTACH_DEADLINE_MS
    return new Promise((resolve, reject) => this.#waiting.add({ untilMs, resolve, reject }))
  }

  #expire(key: string): void {
    this.#tokens.delete(key)
    const error = { condition: 'amqp:unauthorized-access', description: 'The token has expired.' }
    for (const client of [...this.#devices.values()]) if (client.key === key) client.end(error)
    for (const [link, opener] of [...this.#links]) if (opener === key) link.detach(error)
  }
}

/** Under which the token of an identity is kept; the slash keeps it apart from other paths. */
function keyOf({ deviceId, moduleId }: DeviceRef): string {
  return moduleId === undefined ? `/${deviceId}` : `/${deviceId}/${moduleId}`
}
