import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import { readIdentity } from '../../registry/identity-write.ts'
import type { Entry } from '../../registry/registry.ts'
import { formatIdentityEtag } from '../../twins/etag.ts'
import { authorize } from './authorize.ts'
import { ifMatch } from './conditions.ts'
import { identityView } from './identity-view.ts'
import { DeviceParams, IdentityBody } from './schemas.ts'

/** Most devices that one `GET /devices` answers (01 §4). */
const MAX_LIST = 1000

interface DeviceRoute {
  Params: Static<typeof DeviceParams>
}

/** `/devices`, `/devices/{d}` (01 §4). */
export function deviceRoutes(app: FastifyInstance, hub: Hub): void {
  const { identities } = hub
  const read = authorize(hub.authenticator, 'RegistryRead')
  const write = authorize(hub.authenticator, 'RegistryWrite')
  const tags = ['devices']
  const view = (entry: Entry) => {
    const waiting = hub.cloudMessages.pendingCount(entry)
    return identityView(entry, hub.sessions.isConnected(entry.ref), waiting)
  }

  const querystring = Type.Object({ top: Type.Optional(Type.String()) })
  app.get<{ Querystring: Static<typeof querystring> }>(
    '/devices',
    { onRequest: read, schema: { tags, summary: 'List devices', querystring } },
    async (request) => {
      const devices = await identities.listDevices(readTop(request.query.top))
      return devices.map(view)
    },
  )

  app.get<DeviceRoute>(
    '/devices/:deviceId',
    { onRequest: read, schema: { tags, summary: 'Get a device', params: DeviceParams } },
    async (request, reply) => {
      const entry = await identities.get(request.params)
      reply.header('etag', `"${formatIdentityEtag(entry.identity.etag)}"`)
      return view(entry)
    },
  )

  app.put<DeviceRoute & { Body: Static<typeof IdentityBody> }>(
    '/devices/:deviceId',
    {
      onRequest: write,
      schema: {
        tags,
        summary: 'Create a device, or replace it with If-Match',
        params: DeviceParams,
        body: IdentityBody,
      },
    },
    async (request, reply) => {
      const { deviceId } = request.params
      if (request.body.deviceId !== deviceId) {
        throw new HubError('ArgumentInvalid', 'deviceId must be the one of the path.')
      }
      const condition = ifMatch(request)
      const settings = readIdentity(request.body)
      const entry =
        condition === undefined
          ? await identities.createDevice(deviceId, settings)
          : await identities.update({ deviceId }, settings, condition)
      reply.header('etag', `"${formatIdentityEtag(entry.identity.etag)}"`)
      return view(entry)
    },
  )

  app.delete<DeviceRoute>(
    '/devices/:deviceId',
    { onRequest: write, schema: { tags, summary: 'Delete a device', params: DeviceParams } },
    async (request, reply) => {
      await identities.remove({ deviceId: request.params.deviceId }, ifMatch(request))
      return reply.code(204).send()
    },
  )
}

function readTop(text: string | undefined): number {
  if (text === undefined) return MAX_LIST
  const top = Number(text)
  if (!Number.isInteger(top) || top < 1 || top > MAX_LIST) {
    throw new HubError('ArgumentInvalid', `top must be a whole number from 1 to ${MAX_LIST}.`)
  }
  return top
}
