import type { DeviceRef, JsonValue } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import type { TSchema } from 'typebox'
import type { TwinConfigurations } from '../../configurations/configurations.ts'
import type { Hub } from '../../hub.ts'
import { authorize } from './authorize.ts'
import { DeviceParams, ModuleParams } from './schemas.ts'

/** `/api/devices/{d}[/modules/{m}]/configurations`: what configurations made of one twin. */
export function twinConfigurationRoutes(app: FastifyInstance, hub: Hub): void {
  routeAt(app, hub, '/api/devices/:deviceId/configurations', DeviceParams)
  routeAt(app, hub, '/api/devices/:deviceId/modules/:moduleId/configurations', ModuleParams)
}

function routeAt(
  app: FastifyInstance,
  { authenticator, configurations }: Hub,
  url: string,
  params: TSchema,
): void {
  const what = url.includes('module') ? 'module' : 'device'
  app.get<{ Params: DeviceRef }>(
    url,
    {
      onRequest: authorize(authenticator, 'RegistryRead', 'ServiceConnect'),
      schema: {
        ...{ tags: ['configurations'], summary: `See what configurations made of a ${what} twin` },
        params,
      },
    },
    async (request) => view(await configurations.statusOf(request.params)),
  )
}

function view({ statuses, paths, changes }: TwinConfigurations): object {
  return {
    configurations: Object.entries(statuses).map(([id, status]) => ({ id, ...status })),
    properties: Object.entries(paths).map(([path, id]) => ({ path, configuration: id })),
    pending: changes.map(({ path, from, to, by }) => ({
      path,
      ...shown('from', from),
      ...shown('to', to),
      ...(by !== undefined && { configuration: by }),
    })),
  }
}

/** What is not there is not shown. */
function shown(name: string, value: JsonValue | undefined): object {
  return value === undefined ? {} : { [name]: value }
}
