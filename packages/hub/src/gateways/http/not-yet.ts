import { HubError } from '@twinward/protocol'
import type { FastifyInstance, HTTPMethods } from 'fastify'
import type { Hub } from '../../hub.ts'
import { authorize } from './authorize.ts'

/** Routes of IoT Hub's service API that this version does not serve: 501, never a silent nothing. */
const NOT_YET: readonly (readonly [HTTPMethods, string])[] = [
  ['POST', '/devices/:deviceId/applyConfigurationContent'],
  ['GET', '/configurations'],
  ['GET', '/configurations/:id'],
  ['PUT', '/configurations/:id'],
  ['DELETE', '/configurations/:id'],
  ['POST', '/configurations/testQueries'],
  ['PUT', '/jobs/v2/:id'],
  ['GET', '/jobs/v2/:id'],
  ['GET', '/jobs/v2/query'],
  ['POST', '/jobs/v2/:id/cancel'],
]

export function notYetRoutes(app: FastifyInstance, hub: Hub): void {
  const onRequest = authorize(
    hub.authenticator,
    'RegistryRead',
    'RegistryWrite',
    'ServiceConnect',
    'DeviceConnect',
  )
  for (const [method, url] of NOT_YET) {
    app.route({
      method,
      url,
      onRequest,
      schema: { tags: ['not yet'], summary: 'Not served by this version (501)' },
      handler: async () => {
        throw new HubError('NotImplemented', `${method} ${url} is not served by this version yet.`)
      },
    })
  }
}
