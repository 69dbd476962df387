import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import type { Hub } from '../../hub.ts'
import { bulkRoutes } from './bulk.ts'
import { cloudMessageRoutes } from './cloud-messages.ts'
import { configurationRoutes } from './configurations.ts'
import { deviceTelemetryRoutes } from './device-telemetry.ts'
import { deviceRoutes } from './devices.ts'
import { digitalTwinRoutes } from './digital-twins.ts'
import { feedbackRoutes } from './feedback.ts'
import { fileUploadRoutes } from './file-upload.ts'
import { jobRoutes } from './jobs.ts'
import { methodRoutes } from './methods.ts'
import { moduleRoutes } from './modules.ts'
import { provisioningRoutes } from './provisioning/routes.ts'
import { queryRoutes } from './query.ts'
import { registryJobRoutes } from './registry-jobs.ts'
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
  bulkRoutes(app, hub)
  moduleRoutes(app, hub)
  twinRoutes(app, hub)
  queryRoutes(app, hub)
  methodRoutes(app, hub)
  digitalTwinRoutes(app, hub)
  await app.register(deviceTelemetryRoutes, { hub })
  fileUploadRoutes(app, hub)
  cloudMessageRoutes(app, hub)
  feedbackRoutes(app, hub)
  statisticsRoutes(app, hub)
  registryJobRoutes(app, hub)
  jobRoutes(app, hub)
  await app.register(provisioningRoutes, { hub })
  configurationRoutes(app, hub)
}
