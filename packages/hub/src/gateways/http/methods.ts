import { type DeviceRef, HubError, type JsonValue } from '@twinward/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, type TSchema, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import { DEFAULT_RESPONSE_TIMEOUT_MS, type MethodCall } from '../../methods/method-call.ts'
import { authorize } from './authorize.ts'
import { DeviceParams, ModuleParams } from './schemas.ts'

const NullableInteger = Type.Union([Type.Integer(), Type.Null()])

const MethodBody = Type.Object({
  methodName: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  payload: Type.Optional(Type.Unknown()),
  responseTimeoutInSeconds: Type.Optional(NullableInteger),
  connectTimeoutInSeconds: Type.Optional(NullableInteger),
})
type MethodBody = Static<typeof MethodBody>

/** `POST /twins/{d}/methods`, `POST /twins/{d}/modules/{m}/methods` (09 §1). */
export function methodRoutes(app: FastifyInstance, hub: Hub): void {
  methodRouteAt(app, hub, '/twins/:deviceId/methods', DeviceParams)
  methodRouteAt(app, hub, '/twins/:deviceId/modules/:moduleId/methods', ModuleParams)
}

function methodRouteAt(app: FastifyInstance, hub: Hub, url: string, params: TSchema): void {
  const ofWhom = url.includes('module') ? 'a module' : 'a device'
  app.post<{ Params: DeviceRef; Body: MethodBody }>(
    url,
    {
      onRequest: [refuseEdge, authorize(hub.authenticator, 'ServiceConnect')],
      schema: {
        tags: ['methods'],
        summary: `Call a direct method of ${ofWhom}`,
        params,
        body: MethodBody,
      },
    },
    async (request, reply) => {
      const { status, payload } = await hub.methods.invoke(request.params, readCall(request.body))
      reply.header('content-type', 'application/json; charset=utf-8')
      return `{"status":${status},"payload":${payload}}`
    },
  )
}

/** A module that calls from inside the fleet names itself; that takes an edge hub (09 §4). */
async function refuseEdge(request: FastifyRequest): Promise<void> {
  if (request.headers['x-ms-edge-moduleid'] === undefined) return
  throw new HubError('IotHubUnauthorizedAccess', 'Modules cannot call methods: no edge support.')
}

function readCall(body: MethodBody): MethodCall {
  return {
    name: body.methodName ?? '',
    payload: (body.payload ?? null) as JsonValue,
    responseTimeoutMs: readTimeout(body.responseTimeoutInSeconds, DEFAULT_RESPONSE_TIMEOUT_MS),
    connectTimeoutMs: readTimeout(body.connectTimeoutInSeconds, 0),
  }
}

function readTimeout(seconds: number | null | undefined, defaultMs: number): number {
  return typeof seconds === 'number' ? seconds * 1000 : defaultMs
}
