import { type DeviceRef, HubError, type JsonValue } from '@twinward/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import { DEFAULT_RESPONSE_TIMEOUT_MS } from '../../methods/method-call.ts'
import { digitalTwinView } from '../../twins/digital-twin.ts'
import { patchDigitalTwin } from '../../twins/digital-twins.ts'
import { formatTwinEtag } from '../../twins/etag.ts'
import { authorize } from './authorize.ts'
import { ifMatch } from './conditions.ts'
import { DeviceParams } from './schemas.ts'

const JSON_TYPE = 'application/json; charset=utf-8'
const tags = ['digital twins']

const CommandQuery = Type.Object({
  responseTimeoutInSeconds: Type.Optional(Type.String()),
  connectTimeoutInSeconds: Type.Optional(Type.String()),
})

interface CommandRoute {
  Params: DeviceRef & { readonly command: string; readonly component?: string }
  Querystring: Static<typeof CommandQuery>
}

/** `/digitaltwins/{d}` and its commands (02 §7). */
export function digitalTwinRoutes(app: FastifyInstance, hub: Hub): void {
  const onRequest = authorize(hub.authenticator, 'ServiceConnect')

  app.get<{ Params: DeviceRef }>(
    '/digitaltwins/:deviceId',
    { onRequest, schema: { tags, summary: 'Get a digital twin', params: DeviceParams } },
    async ({ params }, reply) => {
      const entry = await hub.twins.get({ deviceId: params.deviceId })
      reply.header('etag', `"${formatTwinEtag(entry.twin.etag)}"`)
      reply.header('content-type', JSON_TYPE)
      return JSON.stringify(digitalTwinView(entry))
    },
  )

  app.patch<{ Params: DeviceRef }>(
    '/digitaltwins/:deviceId',
    {
      onRequest,
      schema: { tags, summary: 'Apply a JSON Patch to a digital twin', params: DeviceParams },
    },
    async (request, reply) => {
      const { deviceId } = request.params
      const entry = await patchDigitalTwin(hub.twins, { deviceId }, request.body, ifMatch(request))
      reply.header('etag', `"${formatTwinEtag(entry.twin.etag)}"`)
      reply.header('location', locationOf(request, deviceId))
      return reply.code(202).send()
    },
  )

  commandRoute(app, hub, '/digitaltwins/:deviceId/commands/:command')
  commandRoute(app, hub, '/digitaltwins/:deviceId/components/:component/commands/:command')
}

function commandRoute(app: FastifyInstance, hub: Hub, url: string): void {
  const ofWhat = url.includes('component') ? 'a component' : 'a device'
  const names = ['deviceId', 'component', 'command'].filter((name) => url.includes(`:${name}`))
  const params = Type.Object(Object.fromEntries(names.map((name) => [name, Type.String()])))
  app.post<CommandRoute>(
    url,
    {
      onRequest: authorize(hub.authenticator, 'ServiceConnect'),
      schema: { tags, summary: `Call a command of ${ofWhat}`, params, querystring: CommandQuery },
    },
    async (request, reply) => {
      const { deviceId, component, command } = request.params
      const { responseTimeoutInSeconds, connectTimeoutInSeconds } = request.query
      const result = await hub.methods.invoke(
        { deviceId },
        {
          name: component === undefined ? command : `${component}*${command}`,
          payload: (request.body ?? null) as JsonValue,
          responseTimeoutMs: readTimeout(
            'responseTimeoutInSeconds',
            responseTimeoutInSeconds,
            DEFAULT_RESPONSE_TIMEOUT_MS,
          ),
          connectTimeoutMs: readTimeout('connectTimeoutInSeconds', connectTimeoutInSeconds, 0),
        },
      )
      reply.header('x-ms-command-statuscode', result.status)
      reply.header('content-type', JSON_TYPE)
      return result.payload
    },
  )
}

function readTimeout(name: string, text: string | undefined, defaultMs: number): number {
  if (text === undefined || text === '') return defaultMs
  if (!/^\d{1,9}$/.test(text)) throw new HubError('ArgumentInvalid', `${name} must be an integer.`)
  return Number(text) * 1000
}

function locationOf({ host, query }: FastifyRequest, deviceId: string): string {
  const version = (query as Record<string, string>)['api-version'] ?? ''
  return `https://${host}/digitaltwins/${encodeURIComponent(deviceId)}?api-version=${version}`
}
