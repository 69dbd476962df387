import type { JsonObject } from '@twinward/protocol'
import { authenticationView } from '../../registry/authentication-view.ts'
import type { Entry } from '../../registry/registry.ts'
import { formatIdentityEtag } from '../../twins/etag.ts'
import { formatTime } from '../../twins/view.ts'

/** A device (01 §1) or module (01 §2) identity as the service API shows it, keys included. */
export function identityView(
  { ref, identity }: Entry,
  connected: boolean,
  waitingMessages: number,
): JsonObject {
  const isModule = ref.moduleId !== undefined
  return {
    ...(isModule && { moduleId: ref.moduleId, managedBy: identity.managedBy }),
    deviceId: ref.deviceId,
    generationId: identity.generationId,
    etag: formatIdentityEtag(identity.etag),
    connectionState: connected ? 'Connected' : 'Disconnected',
    ...(!isModule && {
      status: identity.status,
      statusReason: identity.statusReason,
      statusUpdatedTime: formatTime(identity.statusUpdatedTimeMs),
      capabilities: { iotEdge: identity.iotEdge },
      ...(identity.deviceScope !== undefined && { deviceScope: identity.deviceScope }),
      ...(identity.parentScopes && { parentScopes: identity.parentScopes }),
    }),
    connectionStateUpdatedTime: formatTime(identity.connectionStateUpdatedTimeMs),
    lastActivityTime: formatTime(identity.lastActivityTimeMs),
    cloudToDeviceMessageCount: waitingMessages,
    authentication: authenticationView(identity.authentication),
  }
}
