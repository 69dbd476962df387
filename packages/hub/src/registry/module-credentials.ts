import { type Authentication, HubError, type Identity, refKey } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { makeKey } from './authentication.ts'
import { credentialIds, keyId } from './credential-ids.ts'
import type { Identities } from './identities.ts'
import type { Entry, Registry } from './registry.ts'
import { chooseSecurityModule, securityModules } from './security-modules.ts'

/** For so long a key stays good after a rotation, unless it is revoked (security 07 §6, A3). */
export const MIN_KEY_OVERLAP_MS = 24 * 3600_000

/** Which credential of an identity a session was opened with; `retired`: one that it has no more. */
export type CredentialSlot = 'primary' | 'secondary' | 'authority' | 'retired'

/** What is known about how a security module authenticates; no secrets. */
export interface CredentialUse {
  readonly moduleId: string
  readonly type: Authentication['type']
  /** The last session over MQTT or AMQP; absent when none was. */
  readonly lastUsed?: { readonly credential: CredentialSlot; readonly timeMs: number }
  /** 0: never. */
  readonly rotatedTimeMs: number
}

interface CredentialPorts {
  readonly registry: Registry
  /** Which credential is in use now: what is written down comes later, and renewals never. */
  readonly sessions: Pick<Sessions, 'find'>
  readonly identities: Identities
  readonly bus: EventBus
  readonly clock: Clock
  readonly log: Log
}

export interface RotateOptions {
  /** Default: as `chooseSecurityModule`. */
  readonly moduleId?: string
  /** Neither of the old keys stays good: one of them is in wrong hands. */
  readonly isRevoked?: boolean
  /** Who asks, for the log. */
  readonly by: string
}

/** The keys of security modules: which one is in use, and new ones. */
export class ModuleCredentials {
  readonly #ports: CredentialPorts
  readonly #securityModuleId: string

  /** @param securityModuleId  of the security modules that this hub makes */
  constructor(ports: CredentialPorts, securityModuleId: string) {
    this.#ports = ports
    this.#securityModuleId = securityModuleId
  }

  /** @throws {HubError} `DeviceNotFound` */
  async list(deviceId: string): Promise<readonly CredentialUse[]> {
    const modules = await this.#ports.identities.listModules(deviceId)
    return securityModules(modules, this.#securityModuleId).map(useOf)
  }

  /**
   * Gives a security module a new primary key. The key that its agent used last becomes the secondary
   * one, so its session goes on, and stays good until the next rotation.
   *
   * @throws {HubError} `DeviceNotFound`, `ModuleNotFound`; `ArgumentInvalid` for a module without
   *   keys; `GenericConflict` when the last rotation is less than `MIN_KEY_OVERLAP_MS` ago: a key
   *   that an agent was just given would go
   */
  async rotate(
    deviceId: string,
    { moduleId, isRevoked = false, by }: RotateOptions,
  ): Promise<Entry> {
    const { identities, sessions, clock, log } = this.#ports
    const modules = await identities.listModules(deviceId)
    const ref = {
      deviceId,
      moduleId: chooseSecurityModule(modules, this.#securityModuleId, moduleId),
    }
    const nowMs = clock.now()
    const entry = await this.#change(ref, (identity) =>
      isRevoked
        ? freshKeys()
        : rotatedKeys(identity, nowMs, sessions.find(ref)?.credential?.credentialId),
    )
    const audit = isRevoked ? 'module-key-revoked' : 'module-key-rotated'
    log.info({ audit, ref: refKey(ref), by }, 'a security module has a new key')
    return entry
  }

  /**
   * Replaces whatever a module authenticates with by two new keys: no older credential opens it any
   * more, and sessions of one end.
   *
   * @throws {HubError} `DeviceNotFound`, `ModuleNotFound`
   */
  replace(ref: Required<Entry['ref']>): Promise<Entry> {
    return this.#change(ref, freshKeys)
  }

  /** @param decide  pure; may throw */
  async #change(
    ref: Required<Entry['ref']>,
    decide: (identity: Identity) => Authentication,
  ): Promise<Entry> {
    const { registry, identities, bus, clock } = this.#ports
    const keysRotatedTimeMs = clock.now()
    const entry = await registry.change(ref, (old) => ({
      ...old,
      identity: {
        ...old.identity,
        etag: old.identity.etag + 1,
        authentication: decide(old.identity),
        keysRotatedTimeMs,
      },
    }))
    // Throws, and says which of the two is missing.
    if (!entry) return identities.get(ref)
    bus.publish({
      kind: 'identity-changed',
      ref,
      disabled: false,
      credentialChanged: true,
      credentialIds: credentialIds(entry.identity.authentication),
    })
    return entry
  }
}

function freshKeys(): Authentication {
  return { type: 'sas', primaryKey: makeKey(), secondaryKey: makeKey() }
}

/** @param usedId  of the credential of the session that is open, if it came with one */
function rotatedKeys(
  identity: Identity,
  nowMs: number,
  usedId: string | undefined,
): Authentication {
  const { authentication, keysRotatedTimeMs = 0, lastCredential } = identity
  if (authentication.type !== 'sas') {
    throw new HubError('ArgumentInvalid', `The module uses ${authentication.type}, it has no key.`)
  }
  if (keysRotatedTimeMs > 0 && nowMs - keysRotatedTimeMs < MIN_KEY_OVERLAP_MS) {
    throw new HubError(
      'GenericConflict',
      'The keys were replaced less than 24 hours ago. To replace both at once, revoke them.',
    )
  }
  const { primaryKey, secondaryKey } = authentication
  const isSecondaryUsed = (usedId ?? lastCredential?.id) === keyId(secondaryKey)
  return {
    type: 'sas',
    primaryKey: makeKey(),
    secondaryKey: isSecondaryUsed ? secondaryKey : primaryKey,
  }
}

function useOf({ ref, identity }: Entry): CredentialUse {
  const { authentication, lastCredential, keysRotatedTimeMs = 0 } = identity
  return {
    moduleId: ref.moduleId ?? '',
    type: authentication.type,
    ...(lastCredential && {
      lastUsed: {
        credential: slotOf(authentication, lastCredential.id),
        timeMs: lastCredential.timeMs,
      },
    }),
    rotatedTimeMs: keysRotatedTimeMs,
  }
}

function slotOf(authentication: Authentication, id: string): CredentialSlot {
  const ids = credentialIds(authentication)
  if (!ids.includes(id)) return 'retired'
  if (authentication.type === 'certificateAuthority') return 'authority'
  if (authentication.type !== 'selfSigned') return id === ids[0] ? 'primary' : 'secondary'
  return id === authentication.primaryThumbprint?.toLowerCase() ? 'primary' : 'secondary'
}
