import type { FastifyInstance } from 'fastify'
import type { Hub } from '../../hub.ts'
import { authorize } from './authorize.ts'

/** `/statistics/devices`, `/statistics/service` (01 §4). */
export function statisticsRoutes(app: FastifyInstance, hub: Hub): void {
  const onRequest = authorize(hub.authenticator, 'RegistryRead')
  const tags = ['statistics']

  app.get(
    '/statistics/devices',
    { onRequest, schema: { tags, summary: 'Count devices' } },
    async () => {
      const { devices, disabledDevices } = await hub.identities.count()
      return {
        totalDeviceCount: devices,
        enabledDeviceCount: devices - disabledDevices,
        disabledDeviceCount: disabledDevices,
      }
    },
  )

  app.get(
    '/statistics/service',
    { onRequest, schema: { tags, summary: 'Count connected devices' } },
    async () => ({ connectedDeviceCount: hub.sessions.deviceCount }),
  )
}
