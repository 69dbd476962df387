import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import type { Hub } from '../../hub.ts'
import { deviceRoutes } from './devices.ts'
import { moduleRoutes } from './modules.ts'
import { notYetRoutes } from './not-yet.ts'
import { statisticsRoutes } from './statistics.ts'
import { twinRoutes } from './twins.ts'

const API_VERSION = /^\d{4}-\d{2}-\d{2}(-preview)?$/

/** IoT Hub's service API (05 §2), as a plugin of the HTTPS server. */
export async function hubRoutes(app: FastifyInstance, { hub }: { hub: Hub }): Promise<void> {
  app.addHook('onRequest', (request, _reply, done) => {
    const version = (request.query as Record<string, unknown>)['api-version']
    if (typeof version !== 'string' || !API_VERSION.test(version)) {
      throw new HubError('ArgumentInvalid', 'The query needs api-version=YYYY-MM-DD.')
    }
    done()
  })
  deviceRoutes(app, hub)
  moduleRoutes(app, hub)
  twinRoutes(app, hub)
  statisticsRoutes(app, hub)
  notYetRoutes(app, hub)
}
