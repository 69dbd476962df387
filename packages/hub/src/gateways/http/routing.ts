import type { JsonObject } from '@twinward/protocol'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import type { CurrentRouting } from '../../routing/routing.ts'
import type { Enrichment, RouteInput, RoutingInput } from '../../routing/routing-document.ts'
import type { RoutingTest } from '../../routing/test-routing.ts'
import { audited } from './audited.ts'
import { authorize } from './authorize.ts'
import { ifMatch } from './conditions.ts'

const EndpointNames = Type.Array(Type.String(), { maxItems: 10 })
const routeShape = {
  source: Type.String({
    description:
      'DeviceMessages (or Telemetry), TwinChangeEvents, DeviceLifecycleEvents or ' +
      'DeviceConnectionStateEvents.',
  }),
  condition: Type.Optional(Type.String({ description: 'Default: true.' })),
  endpointNames: EndpointNames,
  isEnabled: Type.Optional(Type.Boolean({ default: true })),
}
const enrichmentShape = {
  value: Type.String({ description: 'A text, $iothubname, or a path below $twin.' }),
  endpointNames: EndpointNames,
}
const RouteBody = Type.Object(routeShape)
const EnrichmentBody = Type.Object(enrichmentShape)
const RoutingBody = Type.Object({
  routes: Type.Optional(Type.Array(Type.Object({ name: Type.String(), ...routeShape }))),
  fallbackRoute: Type.Optional(Type.Partial(RouteBody)),
  enrichments: Type.Optional(Type.Array(Type.Object({ key: Type.String(), ...enrichmentShape }))),
  endpoints: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
})

const Texts = Type.Record(Type.String(), Type.String())
const Members = Type.Record(Type.String(), Type.Unknown())
const TestBody = Type.Object({
  routingSource: Type.Optional(Type.String()),
  message: Type.Object({
    body: Type.Optional(Type.String()),
    appProperties: Type.Optional(Texts),
    systemProperties: Type.Optional(Texts),
  }),
  twin: Type.Optional(
    Type.Object({
      tags: Type.Optional(Members),
      properties: Type.Optional(
        Type.Object({ desired: Type.Optional(Members), reported: Type.Optional(Members) }),
      ),
    }),
  ),
  condition: Type.Optional(Type.String()),
})

const RouteParams = Type.Object({ name: Type.String() })
const EnrichmentParams = Type.Object({ key: Type.String() })

/**
 * `/api/routing`: which events are stored for readers. The document is `properties.routing` of an IoT
 * Hub in Azure Resource Manager; IoT Hub itself has no such routes.
 *
 * What a route takes concerns all devices and lasts, as the registry does, so it needs the registry's
 * rights: who only reads events (ServiceConnect) cannot decide what others get to read.
 */
export function routingRoutes(app: FastifyInstance, hub: Hub): void {
  documentRoutes(app, hub)
  partRoutes(app, hub)
  app.post<{ Body: Static<typeof TestBody> }>(
    '/api/routing/test',
    {
      onRequest: authorize(hub.authenticator, 'RegistryRead'),
      schema: { tags: ['routing'], summary: 'Find out where a message would go', body: TestBody },
    },
    async ({ body }) => hub.routing.test(body as RoutingTest),
  )
}

function documentRoutes(app: FastifyInstance, hub: Hub): void {
  const { routing, authenticator } = hub
  const tags = ['routing']
  app.get(
    '/api/routing',
    {
      onRequest: authorize(authenticator, 'RegistryRead'),
      schema: { tags, summary: 'Get routes, fallback and enrichments' },
    },
    async (_request, reply) => send(reply, routing.current),
  )

  app.put<{ Body: Static<typeof RoutingBody> }>(
    '/api/routing',
    {
      onRequest: authorize(authenticator, 'RegistryWrite'),
      schema: { tags, summary: 'Replace routes, fallback and enrichments', body: RoutingBody },
    },
    async (request, reply) => {
      const input = request.body as RoutingInput
      const replace = () => routing.replace(input, ifMatch(request))
      const change = { kind: 'export.change', subject: 'the whole routing' } as const
      return send(reply, await audited(hub, request, change, replace))
    },
  )
}

function partRoutes(app: FastifyInstance, hub: Hub): void {
  const { routing, authenticator } = hub
  const onRequest = authorize(authenticator, 'RegistryWrite')
  const tags = ['routing']
  app.put<{ Params: Static<typeof RouteParams>; Body: Static<typeof RouteBody> }>(
    '/api/routing/routes/:name',
    {
      onRequest,
      schema: { tags, summary: 'Create or replace a route', params: RouteParams, body: RouteBody },
    },
    async (request, reply) => {
      const input = request.body as RouteInput
      const { name } = request.params
      const put = () => routing.putRoute(name, input, ifMatch(request))
      const change = { kind: 'export.change', subject: `route ${name}` } as const
      return send(reply, await audited(hub, request, change, put))
    },
  )

  app.delete<{ Params: Static<typeof RouteParams> }>(
    '/api/routing/routes/:name',
    { onRequest, schema: { tags, summary: 'Delete a route', params: RouteParams } },
    async (request, reply) => {
      const { name } = request.params
      const remove = () => routing.removeRoute(name, ifMatch(request))
      const change = { kind: 'export.delete', subject: `route ${name}` } as const
      return send(reply, await audited(hub, request, change, remove))
    },
  )

  app.put<{ Params: Static<typeof EnrichmentParams>; Body: Static<typeof EnrichmentBody> }>(
    '/api/routing/enrichments/:key',
    {
      onRequest,
      schema: {
        ...{ tags, summary: 'Create or replace an enrichment' },
        ...{ params: EnrichmentParams, body: EnrichmentBody },
      },
    },
    async (request, reply) => {
      const input: Enrichment = { ...request.body, key: request.params.key }
      const put = () => routing.putEnrichment(input, ifMatch(request))
      const change = { kind: 'export.change', subject: `enrichment ${input.key}` } as const
      return send(reply, await audited(hub, request, change, put))
    },
  )

  app.delete<{ Params: Static<typeof EnrichmentParams> }>(
    '/api/routing/enrichments/:key',
    { onRequest, schema: { tags, summary: 'Delete an enrichment', params: EnrichmentParams } },
    async (request, reply) => {
      const { key } = request.params
      const remove = () => routing.removeEnrichment(key, ifMatch(request))
      const change = { kind: 'export.delete', subject: `enrichment ${key}` } as const
      return send(reply, await audited(hub, request, change, remove))
    },
  )
}

function send(reply: FastifyReply, { etag, document }: CurrentRouting): JsonObject {
  reply.header('etag', `"${etag}"`)
  const { routes, fallbackRoute, enrichments } = document
  return {
    etag,
    routes: routes.map((route) => ({ ...route })),
    fallbackRoute: {
      name: '$fallback',
      source: 'DeviceMessages',
      condition: 'true',
      endpointNames: ['events'],
      isEnabled: fallbackRoute.isEnabled,
    },
    enrichments: enrichments.map((enrichment) => ({ ...enrichment })),
  }
}
