import { toHubError } from '@twinward/protocol'
import type { FastifyError, FastifyInstance } from 'fastify'
import type { Hub } from '../../../hub.ts'
import { provisioningErrorBody, RETRY_AFTER_SECONDS } from '../../provisioning-views.ts'
import { sendError } from '../errors.ts'
import { bulkEnrollmentRoute } from './bulk.ts'
import { enrollmentRoutes } from './enrollments.ts'
import { deviceRegistrationRoutes, registrationRoutes } from './registrations.ts'

/** The provisioning service (11 §3): what devices and what services ask. A plugin of `hubRoutes`. */
export async function provisioningRoutes(app: FastifyInstance, { hub }: { hub: Hub }) {
  const ports = { log: hub.log, clock: hub.clock, bodyOf: provisioningErrorBody }
  app.setErrorHandler((thrown: FastifyError, request, reply) => {
    // Its clients wait for as long as they are told, IoT Hub's are told nothing (11 §2).
    if (toHubError(thrown).code === 'ThrottlingException') {
      reply.header('retry-after', RETRY_AFTER_SECONDS)
    }
    sendError(thrown, request, reply, ports)
  })
  enrollmentRoutes(app, hub)
  bulkEnrollmentRoute(app, hub)
  registrationRoutes(app, hub)
  await app.register(deviceRegistrationRoutes, { hub })
}
