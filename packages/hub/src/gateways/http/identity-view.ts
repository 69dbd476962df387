import { HubError, type JsonObject } from '@twinward/protocol'
import type { Static } from 'typebox'
import type { IdentityWrite } from '../../registry/identities.ts'
import type { Entry } from '../../registry/registry.ts'
import { formatIdentityEtag } from '../../twins/etag.ts'
import { formatTime } from '../../twins/view.ts'
import type { IdentityBody } from './schemas.ts'

/** A device (01 §1) or module (01 §2) identity as the service API shows it, keys included. */
export function identityView({ ref, identity }: Entry, connected: boolean): JsonObject {
  const { authentication } = identity
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
    }),
    connectionStateUpdatedTime: formatTime(identity.connectionStateUpdatedTimeMs),
    lastActivityTime: formatTime(identity.lastActivityTimeMs),
    cloudToDeviceMessageCount: 0,
    authentication: {
      symmetricKey: {
        primaryKey: authentication.type === 'sas' ? authentication.primaryKey : null,
        secondaryKey: authentication.type === 'sas' ? authentication.secondaryKey : null,
      },
      x509Thumbprint: {
        primaryThumbprint:
          authentication.type === 'selfSigned' ? authentication.primaryThumbprint : null,
        secondaryThumbprint:
          authentication.type === 'selfSigned' ? authentication.secondaryThumbprint : null,
      },
      type: authentication.type,
    },
  }
}

/** @throws {HubError} `ArgumentInvalid` for a status that is neither enabled nor disabled */
export function readIdentity(body: Static<typeof IdentityBody>): IdentityWrite {
  const status = body.status?.toLowerCase() ?? 'enabled'
  if (status !== 'enabled' && status !== 'disabled') {
    throw new HubError('ArgumentInvalid', "status must be 'enabled' or 'disabled'.")
  }
  return {
    status,
    statusReason: body.statusReason ?? null,
    ...(body.authentication && { authentication: body.authentication }),
    iotEdge: body.capabilities?.iotEdge ?? false,
    managedBy: body.managedBy ?? '',
  }
}
