import { type Authentication, HubError, type Identity } from '@twinward/protocol'
import { type EtagCondition, etagMatches, formatIdentityEtag } from '../twins/etag.ts'
import { deviceSettings, type IdentityWrite, moduleSettings } from './identity-write.ts'
import type { Entry } from './registry.ts'
import { scopesOfUpdated } from './scopes.ts'
import { EDGE_MANAGER, isSystemModule } from './system-modules.ts'

/** Longest plug-and-play model id that is kept. */
const MAX_MODEL_ID_CHARACTERS = 256

/**
 * The identity after an update, without what it authenticates with.
 *
 * @param isRestored  the write comes from an export: an edge device keeps its own scope
 * @throws {HubError} `ArgumentInvalid`; `InvalidDeviceScope`
 */
export function nextIdentity(
  { ref, identity }: Entry,
  write: IdentityWrite,
  nowMs: number,
  isRestored: boolean,
): Identity {
  const etag = identity.etag + 1
  if (ref.moduleId !== undefined) {
    const managedBy = isSystemModule(ref) ? EDGE_MANAGER : (write.managedBy ?? '')
    return { ...identity, ...moduleSettings({ ...write, managedBy }), etag }
  }
  const { deviceScope: own, parentScopes: _, ...rest } = identity
  const keepsScope = isRestored && identity.iotEdge && write.iotEdge && own !== undefined
  const scopes = keepsScope ? { ...write, deviceScope: own } : write
  const settings = deviceSettings(write)
  const statusUpdatedTimeMs =
    settings.status === identity.status ? identity.statusUpdatedTimeMs : nowMs
  return {
    ...rest,
    ...settings,
    ...scopesOfUpdated(ref.deviceId, identity, scopes),
    etag,
    statusUpdatedTimeMs,
  }
}

/** An export without keys takes away nobody's keys. */
export function keptKeys(
  old: Identity,
  write: IdentityWrite,
  fresh: Authentication,
): Authentication {
  const { primaryKey, secondaryKey } = write.authentication?.symmetricKey ?? {}
  const carriesKeys = Boolean(primaryKey || secondaryKey)
  const stay = old.authentication.type === 'sas' && fresh.type === 'sas' && !carriesKeys
  return stay ? old.authentication : fresh
}

/** @throws {HubError} `PreconditionFailed` */
export function checkEtag({ identity }: Entry, ifMatch: EtagCondition): void {
  if (etagMatches(ifMatch, formatIdentityEtag(identity.etag))) return
  throw new HubError('PreconditionFailed', 'PreconditionFailed, ETag may be invalid.')
}

/** What a persistent MQTT session is subscribed to; the same entry when that is known. */
export function withSubscriptions(old: Entry, subscriptions: number | undefined): Entry {
  const { mqttSession, ...identity } = old.identity
  if (mqttSession === subscriptions) return old
  if (subscriptions === undefined) return { ...old, identity }
  return { ...old, identity: { ...identity, mqttSession: subscriptions } }
}

/** @throws {HubError} `ArgumentInvalid` for one that is too long */
export function checkModelId(modelId: string): void {
  if (modelId.length <= MAX_MODEL_ID_CHARACTERS) return
  throw new HubError(
    'ArgumentInvalid',
    `A model id may have ${MAX_MODEL_ID_CHARACTERS} characters.`,
  )
}
