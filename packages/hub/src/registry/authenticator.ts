import {
  CLOCK_SKEW_MS,
  type DeviceRef,
  parseSas,
  percentDecode,
  type SasToken,
} from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Authorities } from './authorities.ts'
import { type CertificateProof, checkCertificate } from './certificate-checks.ts'
import type { ClientCertificate, Proof } from './client-certificate.ts'
import { keyId } from './credential-ids.ts'
import { parseEventUrl } from './event-addresses.ts'
import type { HostNames } from './host-names.ts'
import type { Right, SharedAccessPolicy } from './policies.ts'
import { refused, unauthorized } from './refusals.ts'
import type { Entry, Registry } from './registry.ts'
import {
  type CaseRule,
  leadsTo,
  resourceOf,
  segmentsOf,
  signingKey,
  signingKeyAsText,
} from './sas-checks.ts'
import { type VerifiedToken, VerifiedTokens } from './verified-tokens.ts'

/** What a device or module has proven, good until `expiresAtMs`. */
export interface Credential {
  readonly expiresAtMs: number
  readonly generationId: string
  /** The JSON text of `iothub-connection-auth-method`. */
  readonly authMethod: string
  /** Of the identity when it authenticated: a change of keys or status moves it. 0 for a policy. */
  readonly identityEtag: number
  /** Which of `credentialIds` it was; absent for a policy, which no change of the identity ends. */
  readonly credentialId?: string
  /** SHA-256 of the registered CA that the certificate came from. */
  readonly authorityId?: string
}

/** What a service has proven. */
export interface Grant {
  readonly policyName: string
  readonly rights: readonly Right[]
}

/** A request of a service. */
export interface ServiceCall {
  /** The header. */
  readonly authorization: string | undefined
  /** As in the URL, with or without the query. */
  readonly path: string
}

interface AuthenticatorPorts {
  readonly registry: Registry
  readonly authorities: Authorities
  readonly clock: Clock
}

/** Host, `devices` and `{d}`: what the token of an identity's own key must name at least. */
const OWN_TOKEN_SEGMENTS = 2

/**
 * Checks the tokens and certificates of devices and modules, and the tokens of services (06). Says no
 * with one text; why goes to `cause`.
 */
export class Authenticator {
  readonly #registry: Registry
  readonly #authorities: Authorities
  readonly #policies: ReadonlyMap<string, SharedAccessPolicy>
  readonly #hostNames: HostNames
  readonly #clock: Clock
  /** Lives as long as `#policies`, which never change, so it never outlives a key. */
  readonly #verified = new VerifiedTokens()
  /** Apart: what a reader may show opens nothing else. */
  readonly #verifiedReaders = new VerifiedTokens()

  constructor(
    { registry, authorities, clock }: AuthenticatorPorts,
    policies: readonly SharedAccessPolicy[],
    hostNames: HostNames,
  ) {
    this.#registry = registry
    this.#authorities = authorities
    this.#policies = new Map(policies.map((policy) => [policy.name, policy]))
    this.#hostNames = hostNames
    this.#clock = clock
  }

  /**
   * Checks what a device or module connects with: a token, or without one its certificate. A
   * module's token is signed by its own key: its device's key never opens it.
   *
   * @throws {HubError} `IotHubUnauthorized`; `IotHubUnauthorizedAccess` for the token of another
   *   resource or host, or of a policy without the right (06 §8)
   */
  async connect(ref: DeviceRef, proof: Proof): Promise<Credential> {
    if (proof.token === '') return this.#byCertificate(await this.#enabled(ref), proof.certificate)
    const token = this.#readToken(proof.token)
    const entry = await this.#enabled(ref)
    if (token.policyName === undefined) return this.#byKey(token, entry, OWN_TOKEN_SEGMENTS)
    this.#checkPolicy(token, ref)
    return { ...this.#credential(entry, 'hub', 'sas'), ...expiryOf(token) }
  }

  /**
   * As `connect` for what a device asks about itself: its own key or certificate and no policy, but
   * the token may be for the hub as a whole.
   *
   * @throws {HubError} as `connect`
   */
  async owner(deviceId: string, proof: Proof): Promise<Credential> {
    const ref = { deviceId }
    if (proof.token === '') return this.#byCertificate(await this.#enabled(ref), proof.certificate)
    const token = this.#readToken(proof.token)
    if (token.policyName !== undefined) throw unauthorized('the token is one of a policy')
    return this.#byKey(token, await this.#enabled(ref), 0)
  }

  /**
   * Checks the token of a service: its policy, its rights, and that it is for this path or above it.
   *
   * @throws {HubError} `IotHubUnauthorizedAccess`; `IotHubUnauthorized` when it has expired
   */
  service({ authorization, path }: ServiceCall, ...anyOf: readonly Right[]): Grant {
    if (authorization === undefined) throw unauthorized('no shared access signature')
    const token = this.#verified.find(authorization) ?? this.#verifyService(authorization)
    const { policy, scope, expiresAtMs } = token
    if (expiresAtMs + CLOCK_SKEW_MS < this.#clock.now()) throw refused('token expired')
    if (!anyOf.some((right) => policy.rights.includes(right))) {
      throw unauthorized(`policy ${policy.name} lacks ${anyOf.join(' or ')}`)
    }
    if (scope.length > 0 && !leadsTo(scope, pathSegments(path), 'exact')) {
      throw unauthorized('the token is for another resource')
    }
    return { policyName: policy.name, rights: policy.rights }
  }

  /**
   * Checks the token of an event reader: for the URL of the event hub or something above it, signed
   * with the key of a policy as bytes or as text (13, quirk 20).
   *
   * @param path  below the entity, in lower case (`belowEntity`)
   * @throws {HubError} `IotHubUnauthorizedAccess`; `IotHubUnauthorized` when it has expired
   */
  reader(text: string, path: readonly string[], ...allOf: readonly Right[]): Grant {
    const token = this.#verifiedReaders.find(text) ?? this.#verifyReader(text)
    const { policy, scope, expiresAtMs } = token
    if (expiresAtMs + CLOCK_SKEW_MS < this.#clock.now()) throw refused('token expired')
    for (const right of allOf) {
      if (!policy.rights.includes(right)) {
        throw unauthorized(`policy ${policy.name} lacks ${right}`)
      }
    }
    if (!leadsTo(scope, path, 'any case')) throw unauthorized('the token is for another resource')
    return { policyName: policy.name, rights: policy.rights }
  }

  #verifyReader(text: string): VerifiedToken {
    const token = parseSas(text)
    if (!token) throw unauthorized('no shared access signature')
    const scope = parseEventUrl(token.resource, this.#hostNames)
    if (!scope) throw unauthorized('the token is for another resource')
    const policy = this.#policies.get(token.policyName ?? '')
    if (!policy || (signingKey(token, policy) ?? signingKeyAsText(token, policy)) === undefined) {
      throw unauthorized('unknown policy or wrong key')
    }
    const verified = { policy, scope, expiresAtMs: token.expiresAtMs }
    this.#verifiedReaders.add(text, verified)
    return verified
  }

  /** Checks all but the time, which goes on, and remembers a token that passed. */
  #verifyService(authorization: string): VerifiedToken {
    const token = parseSas(authorization)
    if (!token) throw unauthorized('no shared access signature')
    const { host, segments: scope } = resourceOf(token)
    if (!this.#hostNames.matches(host)) throw unauthorized('the token is for another host')
    const policy = this.#policies.get(token.policyName ?? '')
    if (!policy || signingKey(token, policy) === undefined) {
      throw unauthorized('unknown policy or wrong key')
    }
    const verified = { policy, scope, expiresAtMs: token.expiresAtMs }
    this.#verified.add(authorization, verified)
    return verified
  }

  #readToken(text: string): SasToken {
    const token = parseSas(text)
    if (!token) throw refused('what it sent is not a shared access signature')
    if (token.expiresAtMs + CLOCK_SKEW_MS < this.#clock.now()) {
      throw refused('token expired', 'sasExpired')
    }
    return token
  }

  /** The entry of an identity that may connect. A module has no status of its own (01 §2). */
  async #enabled(ref: DeviceRef): Promise<Entry> {
    const entry = await this.#registry.find(ref)
    if (!entry) throw refused('unknown identity', 'unknownIdentity')
    const isModule = ref.moduleId !== undefined
    const device = isModule ? await this.#registry.find({ deviceId: ref.deviceId }) : entry
    if (device?.identity.status !== 'enabled') {
      throw refused('the device is disabled', 'disabled')
    }
    return entry
  }

  #checkPolicy(token: SasToken, ref: DeviceRef): void {
    const policy = this.#policies.get(token.policyName ?? '')
    if (!policy || signingKey(token, policy) === undefined) {
      throw refused('unknown policy or wrong key', 'sasSignature')
    }
    if (!policy.rights.includes('DeviceConnect')) {
      throw unauthorized(`policy ${policy.name} lacks DeviceConnect`)
    }
    this.#checkResource(token, ref, 'exact')
  }

  #byKey(token: SasToken, entry: Entry, minSegments: number): Credential {
    const { authentication } = entry.identity
    if (authentication.type !== 'sas') throw refused(`the identity uses ${authentication.type}`)
    const key = signingKey(token, authentication)
    if (key === undefined) throw refused('wrong key', 'sasSignature')
    this.#checkResource(token, entry.ref, 'any case', minSegments)
    const scope = entry.ref.moduleId === undefined ? 'device' : 'module'
    return {
      ...this.#credential(entry, scope, 'sas'),
      ...expiryOf(token),
      identityEtag: entry.identity.etag,
      credentialId: keyId(key),
    }
  }

  async #byCertificate(
    entry: Entry,
    certificate: ClientCertificate | undefined,
  ): Promise<Credential> {
    if (!certificate) throw refused('neither a token nor a certificate')
    const proof: CertificateProof = await checkCertificate(entry, certificate, {
      authorities: this.#authorities,
      nowMs: this.#clock.now(),
    })
    const scope = entry.ref.moduleId === undefined ? 'device' : 'module'
    return {
      ...this.#credential(entry, scope, 'x509'),
      ...proof,
      identityEtag: entry.identity.etag,
    }
  }

  /** @param minSegments  so much below the host a token must name */
  #checkResource(token: SasToken, ref: DeviceRef, rule: CaseRule, minSegments = 0): void {
    const { host, segments } = resourceOf(token)
    if (!this.#hostNames.matches(host)) throw unauthorized('the token is for another host')
    if (segments.length < minSegments || !leadsTo(segments, segmentsOf(ref), rule)) {
      throw unauthorized('the token is for another resource')
    }
  }

  #credential(
    { identity }: Entry,
    scope: 'hub' | 'device' | 'module',
    type: 'sas' | 'x509',
  ): Omit<Credential, 'expiresAtMs'> {
    return {
      generationId: identity.generationId,
      authMethod: JSON.stringify({ scope, type, issuer: 'iothub', acceptingIpFilterRule: null }),
      identityEtag: 0,
    }
  }
}

function expiryOf(token: SasToken): { readonly expiresAtMs: number } {
  return { expiresAtMs: token.expiresAtMs + CLOCK_SKEW_MS }
}

function pathSegments(path: string): readonly string[] {
  const [bare = ''] = path.split('?')
  return (percentDecode(bare) ?? '').split('/').filter((segment) => segment !== '')
}
