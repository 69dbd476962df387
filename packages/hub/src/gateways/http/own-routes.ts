import type { FastifyInstance } from 'fastify'
import type { Hub } from '../../hub.ts'
import { auditRoutes } from './audit.ts'
import { certificateRoutes } from './certificates.ts'
import { configurationPlanRoutes } from './configuration-plan.ts'
import { eventRoutes } from './events.ts'
import { ipFilterRoutes } from './ip-filter.ts'
import { moduleCredentialRoutes } from './module-credentials.ts'
import { ownProvisioningRoutes } from './provisioning/own.ts'
import { registryTransferRoutes } from './registry-transfer.ts'
import { rolloutRoutes } from './rollouts.ts'
import { routingRoutes } from './routing.ts'
import { securityEnrollmentRoutes } from './security-enrollment.ts'
import { sendCloudMessageRoutes } from './send-cloud-message.ts'
import { twinConfigurationRoutes } from './twin-configurations.ts'

/** What IoT Hub has no routes for: below `/api`, without an api-version. A plugin of the server. */
export async function ownRoutes(app: FastifyInstance, { hub }: { hub: Hub }): Promise<void> {
  auditRoutes(app, hub)
  certificateRoutes(app, hub)
  configurationPlanRoutes(app, hub)
  rolloutRoutes(app, hub)
  ipFilterRoutes(app, hub)
  eventRoutes(app, hub)
  ownProvisioningRoutes(app, hub)
  await app.register(registryTransferRoutes, { hub })
  moduleCredentialRoutes(app, hub)
  securityEnrollmentRoutes(app, hub)
  sendCloudMessageRoutes(app, hub)
  twinConfigurationRoutes(app, hub)
  routingRoutes(app, hub)
}
