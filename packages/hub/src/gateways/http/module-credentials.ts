import { formatConnectionString, type JsonObject } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import type { CredentialUse } from '../../registry/module-credentials.ts'
import { formatTime } from '../../twins/view.ts'
import { authorize } from './authorize.ts'
import { DeviceParams } from './schemas.ts'

const RotateBody = Type.Object(
  {
    moduleId: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    /** Both old keys go at once. */
    revoke: Type.Optional(Type.Boolean({ default: false })),
  },
  { additionalProperties: false },
)

interface DeviceRoute {
  Params: Static<typeof DeviceParams>
}

/**
 * How the security modules of a device authenticate, and new keys for them (security 07 §6, A3):
 *
 *     GET  /api/devices/{d}/security/credentials          which key was used last; no keys
 *     POST /api/devices/{d}/security/credentials/rotate   {moduleId?, revoke?} → the new primary key
 */
export function moduleCredentialRoutes(app: FastifyInstance, hub: Hub): void {
  const { moduleCredentials } = hub
  const url = '/api/devices/:deviceId/security/credentials'
  const tags = ['security module credentials']

  app.get<DeviceRoute>(
    url,
    {
      onRequest: authorize(hub.authenticator, 'RegistryRead'),
      schema: {
        tags,
        summary: 'Show what the security modules of a device authenticate with, without secrets',
        params: DeviceParams,
      },
    },
    async ({ params: { deviceId } }) => {
      const uses = await moduleCredentials.list(deviceId)
      return { deviceId, modules: uses.map(useView) }
    },
  )

  app.post<DeviceRoute & { Body: Static<typeof RotateBody> }>(
    `${url}/rotate`,
    {
      onRequest: authorize(hub.authenticator, 'RegistryWrite'),
      schema: {
        tags,
        summary: 'Give a security module a new key; the one in use stays good, unless revoked',
        params: DeviceParams,
        body: RotateBody,
      },
    },
    async (request, reply) => {
      const { deviceId } = request.params
      const { moduleId: named, revoke = false } = request.body
      const { ref, identity } = await moduleCredentials.rotate(deviceId, {
        ...(named !== undefined && { moduleId: named }),
        isRevoked: revoke,
        by: request.grant?.policyName ?? '',
      })
      const { moduleId = '' } = ref
      const { authentication } = identity
      const sharedAccessKey = authentication.type === 'sas' ? authentication.primaryKey : ''
      const hostName = hub.hostNames.primary
      reply.header('cache-control', 'no-store')
      return {
        deviceId,
        moduleId,
        connectionString: formatConnectionString({
          ...{ hostName, deviceId, moduleId, sharedAccessKey },
        }),
      }
    },
  )
}

function useView({ moduleId, type, lastUsed, rotatedTimeMs }: CredentialUse): JsonObject {
  return {
    ...{ moduleId, type },
    lastUsed: lastUsed
      ? { credential: lastUsed.credential, timeUtc: formatTime(lastUsed.timeMs) }
      : null,
    rotatedTimeUtc: rotatedTimeMs === 0 ? null : formatTime(rotatedTimeMs),
  }
}
