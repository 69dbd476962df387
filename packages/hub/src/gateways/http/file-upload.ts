import { HubError } from '@twinward/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Hub } from '../../hub.ts'
import { authorizeDevice } from './authorize-device.ts'
import { DeviceParams } from './schemas.ts'

interface DeviceRoute {
  Params: { readonly deviceId: string }
}

/** File upload (05 §1.3): a hub without storage refuses it, after the device has proven itself. */
export function fileUploadRoutes(app: FastifyInstance, hub: Hub): void {
  const schema = { tags: ['file upload'], params: DeviceParams }
  const onRequest = async (request: FastifyRequest) => {
    const { deviceId } = request.params as DeviceRoute['Params']
    await authorizeDevice(hub, request, { deviceId })
  }

  app.post<DeviceRoute>(
    '/devices/:deviceId/files',
    { onRequest, schema: { ...schema, summary: 'Start an upload (refused: no storage)' } },
    async () => {
      throw new HubError(
        'DefaultStorageEndpointNotConfigured',
        'This hub has no storage for files.',
      )
    },
  )

  for (const url of ['notifications', 'notifications/:correlationId']) {
    app.post<DeviceRoute>(
      `/devices/:deviceId/files/${url}`,
      { onRequest, schema: { ...schema, summary: 'Finish an upload (there is none)' } },
      async () => {
        throw new HubError('InvalidFileUploadCorrelationId', 'No upload has this correlation id.')
      },
    )
  }
}
