import { HubError } from '@twinward/protocol'
import type { AuthenticationWrite } from '../registry/authentication.ts'
import { resolveAuthentication } from '../registry/authentication.ts'
import type { Identities } from '../registry/identities.ts'
import type { Entry } from '../registry/registry.ts'
import { formatIdentityEtag } from '../twins/etag.ts'
import type { EnrollmentSettings } from './enrollment.ts'

/** A device as a registration wants it. */
export interface WantedDevice extends Pick<EnrollmentSettings, 'iotEdge' | 'initialTwin'> {
  readonly deviceId: string
  readonly authentication: AuthenticationWrite
}

/** How often it is tried again when another writer was first. */
const MAX_ATTEMPTS = 5

/**
 * Sees to it that there is a device with this credential: created with its initial twin and its
 * modules when there is none. One that exists keeps its twin, modules and status, as with DPS, and
 * gets the modules that it lacks.
 *
 * @returns whether something had to be changed
 * @throws {HubError} as `Identities.createDevice` and `update`; `ServiceUnavailable`
 */
export async function provideDevice(
  identities: Identities,
  device: WantedDevice,
): Promise<boolean> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    try {
      const entry = await find(identities, device.deviceId)
      if (!entry) {
        await create(identities, device)
        return true
      }
      const { authentication } = entry.identity
      await identities.provideCompanions(device.deviceId)
      const wanted = resolveAuthentication(device.authentication, entry.ref)
      if (JSON.stringify(wanted) === JSON.stringify(authentication)) return false
      await giveCredential(identities, entry, device.authentication)
      return true
    } catch (error) {
      if (!isLostRace(error)) throw error
    }
  }
  throw new HubError('ServiceUnavailable', 'The device changes too often; try again.')
}

async function create(
  identities: Identities,
  { deviceId, authentication, iotEdge, initialTwin }: WantedDevice,
): Promise<void> {
  const origin = { isEnrolled: true, ...(initialTwin && { twin: initialTwin }) }
  await identities.createDevice(deviceId, { authentication, iotEdge }, origin)
}

async function giveCredential(
  identities: Identities,
  { ref, identity }: Entry,
  authentication: AuthenticationWrite,
): Promise<void> {
  const { status, statusReason, iotEdge, deviceScope, parentScopes, etag } = identity
  const write = {
    ...{ status, statusReason, iotEdge, authentication },
    ...(deviceScope !== undefined && { deviceScope }),
    ...(parentScopes !== undefined && { parentScopes }),
  }
  await identities.update(ref, write, formatIdentityEtag(etag))
}

async function find(identities: Identities, deviceId: string): Promise<Entry | undefined> {
  try {
    return await identities.get({ deviceId })
  } catch (error) {
    if (error instanceof HubError && error.code === 'DeviceNotFound') return undefined
    throw error
  }
}

/** Somebody else created, changed or removed it in between. */
function isLostRace(error: unknown): boolean {
  if (!(error instanceof HubError)) return false
  return ['DeviceAlreadyExists', 'PreconditionFailed', 'DeviceNotFound'].includes(error.code)
}
