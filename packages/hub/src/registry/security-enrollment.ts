import {
  type DeviceRef,
  formatConnectionString,
  HubError,
  isSecurityModuleId,
  refKey,
} from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import { Attempts, peerKey } from '../provisioning/attempts.ts'
import {
  type EnrollmentToken,
  formatTokenText,
  hashSecret,
  isSecretOf,
  makeTokenText,
  parseTokenText,
} from './enrollment-token.ts'
import type { EnrollmentTokenStore } from './enrollment-token-store.ts'
import type { TwinSeed } from './entry-maker.ts'
import type { HostNames } from './host-names.ts'
import type { Identities } from './identities.ts'
import type { ModuleCredentials } from './module-credentials.ts'
import { refused } from './refusals.ts'
import type { Entry } from './registry.ts'
import { chooseSecurityModule } from './security-modules.ts'

export const DEFAULT_TOKEN_MINUTES = 60
/** A week. */
export const MAX_TOKEN_MINUTES = 7 * 24 * 60
/** Of one device. */
const LIMITS = { open: 10, finished: 10 }
/** So long an expired token is still listed. */
const HISTORY_MS = 30 * 24 * 3600_000
/**
 * Failures of one address. There is no limit for all together: strangers could use it up, and whoever
 * has a token would have to wait for them. 256 bits are not guessed however many try.
 */
const ADDRESS_ATTEMPTS = { burst: 10, perSecond: 0.2 }

interface EnrollmentPorts {
  readonly tokens: EnrollmentTokenStore
  readonly identities: Identities
  readonly credentials: ModuleCredentials
  readonly hostNames: HostNames
  readonly clock: Clock
  readonly log: Log
}

export interface EnrollmentRules {
  /** The id of the security modules that this hub makes, beside the well-known ones. */
  readonly securityModuleId: string
  /** What the twin of a new security module starts with. */
  readonly seedOf: (moduleId: string) => TwinSeed
  /** PEM, when clients have to be told whom to trust. */
  readonly caCertificate?: string
}

export interface TokenRequest {
  readonly moduleId?: string
  /** 1 to `MAX_TOKEN_MINUTES`; default `DEFAULT_TOKEN_MINUTES`. */
  readonly validForMinutes?: number
  /** The policy that asks. */
  readonly createdBy: string
}

/** What an agent needs to connect. */
export interface Enrolled {
  readonly deviceId: string
  readonly moduleId: string
  readonly connectionString: string
  readonly caCertificate?: string
}

/**
 * One-time tokens that fetch the credential of a security module (security 07 §6, A4): nobody has to
 * show an agent the secret of its device.
 */
export class SecurityEnrollment {
  readonly #ports: EnrollmentPorts
  readonly #rules: EnrollmentRules
  readonly #attempts: Attempts

  constructor(ports: EnrollmentPorts, rules: EnrollmentRules) {
    this.#ports = ports
    this.#rules = rules
    this.#attempts = new Attempts(ports.clock, ADDRESS_ATTEMPTS)
  }

  /**
   * @returns the token, and its text, which is nowhere kept
   * @throws {HubError} `DeviceNotFound`; `ArgumentInvalid` for another module or time;
   *   `GenericConflict` when the device has too many that are still good
   */
  async create(
    deviceId: string,
    { moduleId, validForMinutes = DEFAULT_TOKEN_MINUTES, createdBy }: TokenRequest,
  ): Promise<{ readonly token: EnrollmentToken; readonly text: string }> {
    const { identities, tokens, clock } = this.#ports
    if (moduleId !== undefined && !isSecurityModuleId(moduleId, this.#rules.securityModuleId)) {
      throw new HubError('ArgumentInvalid', 'moduleId must be the id of a security module.')
    }
    const isTime = Number.isInteger(validForMinutes) && validForMinutes >= 1
    if (!isTime || validForMinutes > MAX_TOKEN_MINUTES) {
      const range = `a whole number from 1 to ${MAX_TOKEN_MINUTES}`
      throw new HubError('ArgumentInvalid', `validForMinutes must be ${range}.`)
    }
    const device = await identities.get({ deviceId })
    const text = makeTokenText()
    const nowMs = clock.now()
    const token: EnrollmentToken = {
      tokenId: text.tokenId,
      secretHash: hashSecret(text.secret),
      deviceId,
      generationId: device.identity.generationId,
      ...(moduleId !== undefined && { moduleId }),
      createdTimeMs: nowMs,
      expiresTimeMs: nowMs + validForMinutes * 60_000,
      createdBy,
    }
    const at = { nowMs, forgetBeforeMs: nowMs - HISTORY_MS }
    if (!(await tokens.insert(token, at, LIMITS))) {
      throw new HubError('GenericConflict', `A device may have ${LIMITS.open} open tokens.`)
    }
    this.#audit('enrollment-token-created', token, { by: createdBy })
    return { token, text: formatTokenText(text) }
  }

  /** Of the device as it is now, the youngest first. @throws {HubError} `DeviceNotFound` */
  async list(deviceId: string): Promise<readonly EnrollmentToken[]> {
    const { identity } = await this.#ports.identities.get({ deviceId })
    const tokens = await this.#ports.tokens.list(deviceId)
    return tokens.filter(({ generationId }) => generationId === identity.generationId)
  }

  /** @throws {HubError} `DeviceNotFound`; `GenericNotFound` */
  async revoke(deviceId: string, tokenId: string, by: string): Promise<void> {
    const { identities, tokens } = this.#ports
    await identities.get({ deviceId })
    if (!(await tokens.remove(deviceId, tokenId))) {
      throw new HubError('GenericNotFound', 'The device has no such enrolment token.')
    }
    this.#audit('enrollment-token-revoked', { tokenId, deviceId }, { by })
  }

  /**
   * Spends a token: creates the security module if there is none, gives it new keys if there is, and
   * returns one of them. Whatever opened the module before opens it no more.
   *
   * The token is spent before the credential exists: if the answer gets lost, another token is needed.
   *
   * @param address  of the peer
   * @throws {HubError} `IotHubUnauthorized` whatever is wrong with the token; `ThrottlingException`
   */
  async redeem(text: string, address: string): Promise<Enrolled> {
    const peer = peerKey(address)
    if (!this.#attempts.take(peer)) {
      throw new HubError('ThrottlingException', 'Too many attempts; try again later.')
    }
    const token = await this.#spend(text, address)
    this.#attempts.giveBack(peer)
    const { ref, identity } = await this.#install(token)
    // Another device may have taken the id meanwhile; what its module got nobody knows then.
    await this.#checkDevice(token)
    const { authentication } = identity
    if (authentication.type !== 'sas') throw new Error('a module without keys after enrolment')
    const { deviceId, moduleId = '' } = ref
    this.#audit('security-enrolled', token, { ref: refKey(ref), address })
    const { caCertificate } = this.#rules
    return {
      deviceId,
      moduleId,
      connectionString: formatConnectionString({
        hostName: this.#ports.hostNames.primary,
        deviceId,
        moduleId,
        sharedAccessKey: authentication.primaryKey,
      }),
      ...(caCertificate !== undefined && { caCertificate }),
    }
  }

  /** Resolves when it is durable that the token is spent. */
  async #spend(text: string, address: string): Promise<EnrollmentToken> {
    const { tokens, clock } = this.#ports
    const parsed = parseTokenText(text)
    const token = parsed && (await tokens.find(parsed.tokenId))
    if (!isSecretOf(token, parsed?.secret ?? '') || !token) throw refused('no such token')
    if (token.used) throw refused('the token was used')
    if (token.expiresTimeMs <= clock.now()) throw refused('the token has expired')
    await this.#checkDevice(token)
    if (!(await tokens.use(token.tokenId, clock.now(), address))) {
      throw refused('the token was used')
    }
    return token
  }

  async #checkDevice({ deviceId, generationId }: EnrollmentToken): Promise<void> {
    const device = await found(this.#ports.identities, { deviceId })
    if (device?.identity.generationId !== generationId) throw refused('the device is gone')
    if (device.identity.status !== 'enabled') throw refused('the device is disabled')
  }

  async #install({ deviceId, moduleId: named }: EnrollmentToken): Promise<Entry> {
    const { identities, credentials } = this.#ports
    const { securityModuleId, seedOf } = this.#rules
    const modules = await identities.listModules(deviceId)
    const moduleId = chooseSecurityModule(modules, securityModuleId, named)
    const ref = { deviceId, moduleId }
    if (!modules.some((module) => module.ref.moduleId === moduleId)) {
      try {
        return await identities.createModule(ref, {}, seedOf(moduleId))
      } catch (error) {
        const isThere = error instanceof HubError && error.code === 'ModuleAlreadyExistsOnDevice'
        if (!isThere) throw error
      }
    }
    return credentials.replace(ref)
  }

  #audit(
    audit: string,
    { tokenId, deviceId }: Pick<EnrollmentToken, 'tokenId' | 'deviceId'>,
    who: object,
  ): void {
    this.#ports.log.info({ audit, tokenId, deviceId, ...who }, 'security module enrolment')
  }
}

async function found(identities: Identities, ref: DeviceRef): Promise<Entry | undefined> {
  try {
    return await identities.get(ref)
  } catch (error) {
    if (error instanceof HubError && error.code === 'DeviceNotFound') return undefined
    throw error
  }
}
