import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import type { Static } from 'typebox'
import type { Hub } from '../../hub.ts'
import { readIdentity } from '../../registry/identity-write.ts'
import type { Entry } from '../../registry/registry.ts'
import { formatIdentityEtag } from '../../twins/etag.ts'
import { audited } from './audited.ts'
import { authorize } from './authorize.ts'
import { ifMatch } from './conditions.ts'
import { identityView } from './identity-view.ts'
import { authorizeModuleRead, readModule } from './module-key.ts'
import { DeviceParams, IdentityBody, ModuleParams } from './schemas.ts'

interface ModuleRoute {
  Params: Static<typeof ModuleParams>
}

/** `/devices/{d}/modules`, `/devices/{d}/modules/{m}` (01 §4). */
export function moduleRoutes(app: FastifyInstance, hub: Hub): void {
  const { identities } = hub
  const read = authorize(hub.authenticator, 'RegistryRead')
  const write = authorize(hub.authenticator, 'RegistryWrite')
  const tags = ['modules']
  const view = (entry: Entry) => {
    const waiting = hub.cloudMessages.pendingCount(entry)
    return identityView(entry, hub.sessions.isConnected(entry.ref), waiting)
  }

  app.get<{ Params: Static<typeof DeviceParams> }>(
    '/devices/:deviceId/modules',
    { onRequest: read, schema: { tags, summary: 'List modules', params: DeviceParams } },
    async (request) => {
      const modules = await identities.listModules(request.params.deviceId)
      return modules.map(view)
    },
  )

  app.get<ModuleRoute>(
    '/devices/:deviceId/modules/:moduleId',
    {
      onRequest: authorizeModuleRead(hub),
      schema: { tags, summary: 'Get a module', params: ModuleParams },
    },
    async (request, reply) => {
      const entry = await readModule(hub, request)
      reply.header('etag', `"${formatIdentityEtag(entry.identity.etag)}"`)
      return view(entry)
    },
  )

  app.put<ModuleRoute & { Body: Static<typeof IdentityBody> }>(
    '/devices/:deviceId/modules/:moduleId',
    {
      onRequest: write,
      schema: {
        tags,
        summary: 'Create a module, or replace it with If-Match',
        params: ModuleParams,
        body: IdentityBody,
      },
    },
    async (request, reply) => {
      const { deviceId, moduleId } = request.params
      if (request.body.deviceId !== deviceId || request.body.moduleId !== moduleId) {
        throw new HubError('ArgumentInvalid', 'deviceId and moduleId must be those of the path.')
      }
      const condition = ifMatch(request)
      const settings = readIdentity(request.body)
      const ref = { deviceId, moduleId }
      const create = () => identities.createModule(ref, settings)
      const entry =
        condition === undefined
          ? await audited(hub, request, { kind: 'module.create', ref }, create)
          : await identities.update(ref, settings, condition)
      reply.header('etag', `"${formatIdentityEtag(entry.identity.etag)}"`)
      return view(entry)
    },
  )

  app.delete<ModuleRoute>(
    '/devices/:deviceId/modules/:moduleId',
    { onRequest: write, schema: { tags, summary: 'Delete a module', params: ModuleParams } },
    async (request, reply) => {
      await identities.remove(request.params, ifMatch(request))
      return reply.code(204).send()
    },
  )
}
