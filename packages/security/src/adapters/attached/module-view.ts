import { type DeviceRef, HubError, isJsonObject, type JsonObject } from '@twinward/protocol'
import type { PlatformModule } from '../../platform.ts'

/**
 * A module as its twin document on the service API shows it (02 §1).
 *
 * @throws {HubError} `ServiceUnavailable` when it is no twin
 */
export function viewTwin(twin: unknown): PlatformModule {
  if (!isJsonObject(twin) || !isJsonObject(twin.properties)) {
    throw new HubError('ServiceUnavailable', 'The hub answered with something that is no twin.')
  }
  const desired = readSection(twin.properties.desired)
  const reported = readSection(twin.properties.reported)
  return {
    ref: refOf(twin),
    connected: twin.connectionState === 'Connected',
    etag: typeof twin.etag === 'string' ? twin.etag : '',
    tags: isJsonObject(twin.tags) ? twin.tags : {},
    desired: desired.values,
    desiredVersion: desired.version,
    desiredUpdatedMs: desired.updatedMs,
    reported: reported.values,
    reportedVersion: reported.version,
    reportedUpdatedMs: reported.updatedMs,
    lastActivityMs: timeMs(twin.lastActivityTime),
  }
}

function refOf({ deviceId, moduleId }: JsonObject): Required<DeviceRef> {
  if (typeof deviceId === 'string' && typeof moduleId === 'string') return { deviceId, moduleId }
  throw new HubError('ServiceUnavailable', 'The hub answered with the twin of no module.')
}

interface Section {
  readonly values: JsonObject
  readonly version: number
  readonly updatedMs: number
}

function readSection(section: unknown): Section {
  if (!isJsonObject(section)) return { values: {}, version: 0, updatedMs: 0 }
  const { $metadata, $version, ...values } = section
  return {
    values,
    version: typeof $version === 'number' ? $version : 0,
    updatedMs: isJsonObject($metadata) ? timeMs($metadata.$lastUpdated) : 0,
  }
}

/** Years before 1970 are how a hub says "never". */
function timeMs(value: unknown): number {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isFinite(ms) && ms > 0 ? ms : 0
}
