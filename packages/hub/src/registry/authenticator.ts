import { createHmac } from 'node:crypto'
import {
  CLOCK_SKEW_MS,
  type DeviceRef,
  HubError,
  parseSas,
  percentDecode,
  type SasToken,
  sasStringToSign,
} from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Proof } from './client-certificate.ts'
import type { HostNames } from './host-names.ts'
import { type Right, type SharedAccessPolicy, signaturesMatch } from './policies.ts'
import type { Entry, Registry } from './registry.ts'
import { type VerifiedToken, VerifiedTokens } from './verified-tokens.ts'

/** What a device or module has proven, good until `expiresAtMs`. */
export interface Credential {
  readonly expiresAtMs: number
  readonly generationId: string
  /** The JSON text of `iothub-connection-auth-method`. */
  readonly authMethod: string
  /** Of the identity when it authenticated: a change of keys or status moves it. 0 for a policy. */
  readonly identityEtag: number
}

/** What a service has proven. */
export interface Grant {
  readonly policyName: string
  readonly rights: readonly Right[]
}

/** Checks the tokens of devices, modules and services (06). Says no with one text; why goes to `cause`. */
export class Authenticator {
  readonly #registry: Registry
  readonly #policies: ReadonlyMap<string, SharedAccessPolicy>
  readonly #hostNames: HostNames
  readonly #clock: Clock
  /** Lives as long as `#policies`, which never change, so it never outlives a key. */
  readonly #verified = new VerifiedTokens()

  constructor(
    registry: Registry,
    policies: readonly SharedAccessPolicy[],
    hostNames: HostNames,
    clock: Clock,
  ) {
    this.#registry = registry
    this.#policies = new Map(policies.map((policy) => [policy.name, policy]))
    this.#hostNames = hostNames
    this.#clock = clock
  }

  /**
   * Checks what a device or module connects with. A module's token is signed by its own key: its
   * device's key never opens it.
   *
   * @throws {HubError} `IotHubUnauthorized`
   */
  async connect(ref: DeviceRef, proof: Proof): Promise<Credential> {
    const token = this.#readToken(proof.token)
    const entry = await this.#registry.find(ref)
    if (!entry) throw refused('unknown identity')
    if (await this.#isDisabled(entry)) throw refused('the device is disabled')
    if (token.policyName !== undefined) this.#checkPolicy(token, ref)
    else this.#checkIdentity(token, entry)
    return {
      expiresAtMs: token.expiresAtMs + CLOCK_SKEW_MS,
      generationId: entry.identity.generationId,
      identityEtag: token.policyName === undefined ? entry.identity.etag : 0,
      authMethod: authMethod(ref, token.policyName !== undefined),
    }
  }

  /**
   * Checks the `Authorization` header of a service.
   *
   * @throws {HubError} `IotHubUnauthorizedAccess`
   */
  service(header: string | undefined, ...anyOf: readonly Right[]): Grant {
    const policy = this.#servicePolicy(header)
    if (!anyOf.some((right) => policy.rights.includes(right))) {
      throw unauthorized(`policy ${policy.name} lacks ${anyOf.join(' or ')}`)
    }
    return { policyName: policy.name, rights: policy.rights }
  }

  #servicePolicy(header: string | undefined): SharedAccessPolicy {
    if (header === undefined) throw unauthorized('no shared access signature')
    const { policy, expiresAtMs } = this.#verified.find(header) ?? this.#verifyService(header)
    if (expiresAtMs + CLOCK_SKEW_MS < this.#clock.now()) throw unauthorized('token expired')
    return policy
  }

  /** Checks all but the time, which goes on, and remembers a token that passed. */
  #verifyService(header: string): VerifiedToken {
    const token = parseSas(header)
    if (!token) throw unauthorized('no shared access signature')
    const [host = ''] = segmentsOf(token)
    if (!this.#hostNames.matches(host)) throw unauthorized('the token is for another host')
    const policy = this.#policies.get(token.policyName ?? '')
    if (!policy || !isSignedBy(token, policy)) throw unauthorized('unknown policy or wrong key')
    const verified = { policy, expiresAtMs: token.expiresAtMs }
    this.#verified.add(header, verified)
    return verified
  }

  #readToken(text: string): SasToken {
    const token = parseSas(text)
    if (!token) throw refused('the password is not a shared access signature')
    if (token.expiresAtMs + CLOCK_SKEW_MS < this.#clock.now()) throw refused('token expired')
    return token
  }

  #checkPolicy(token: SasToken, ref: DeviceRef): void {
    const policy = this.#policies.get(token.policyName ?? '')
    if (!policy || !isSignedBy(token, policy)) throw refused('unknown policy or wrong key')
    if (!policy.rights.includes('DeviceConnect')) {
      throw refused(`policy ${policy.name} lacks DeviceConnect`)
    }
    if (!this.#covers(token, ref, 0)) throw refused('the token is for another resource')
  }

  #checkIdentity(token: SasToken, { ref, identity }: Entry): void {
    const { authentication } = identity
    if (authentication.type !== 'sas') throw refused(`the identity uses ${authentication.type}`)
    if (!isSignedBy(token, authentication)) throw refused('wrong key')
    if (!this.#covers(token, ref, 3)) throw refused('the token is for another resource')
  }

  /** A module has no status of its own: its device's counts. */
  async #isDisabled({ ref, identity }: Entry): Promise<boolean> {
    if (ref.moduleId === undefined) return identity.status === 'disabled'
    const device = await this.#registry.find({ deviceId: ref.deviceId })
    return device?.identity.status !== 'enabled'
  }

  /** Whether the token's resource is `ref` or above it; `minSegments` 3 = it must name the device. */
  #covers(token: SasToken, { deviceId, moduleId }: DeviceRef, minSegments: number): boolean {
    const [host = '', ...rest] = segmentsOf(token)
    if (!this.#hostNames.matches(host) || rest.length + 1 < minSegments) return false
    const wanted = ['devices', deviceId, ...(moduleId === undefined ? [] : ['modules', moduleId])]
    return (
      rest.length <= wanted.length &&
      rest.every((part, index) => part === wanted[index] || percentDecode(part) === wanted[index])
    )
  }
}

function segmentsOf({ resource }: SasToken): readonly string[] {
  return (percentDecode(resource) ?? '').split('/')
}

function isSignedBy(
  token: SasToken,
  { primaryKey, secondaryKey }: { primaryKey: string; secondaryKey: string },
): boolean {
  const text = sasStringToSign(token)
  // The primary key first, because nearly all use it. That the time tells which key it was helps
  // nobody: each comparison takes the same time however much of the signature is right.
  return (
    signaturesMatch(token.signature, hmac(primaryKey, text)) ||
    signaturesMatch(token.signature, hmac(secondaryKey, text))
  )
}

function hmac(keyBase64: string, text: string): string {
  return createHmac('sha256', Buffer.from(keyBase64, 'base64')).update(text).digest('base64')
}

function authMethod({ moduleId }: DeviceRef, byPolicy: boolean): string {
  const scope = byPolicy ? 'hub' : moduleId === undefined ? 'device' : 'module'
  return `{"scope":"${scope}","type":"sas","issuer":"iothub","acceptingIpFilterRule":null}`
}

function refused(reason: string): HubError {
  return new HubError('IotHubUnauthorized', 'Unauthorized', { cause: reason })
}

function unauthorized(reason: string): HubError {
  return new HubError('IotHubUnauthorizedAccess', 'Unauthorized', { cause: reason })
}
