import type { DeviceRef } from '@twinward/protocol'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import { authorize, authorOf } from './authorize.ts'
import { ifMatch } from './conditions.ts'
import { DeviceParams } from './schemas.ts'

const Nullable = <T extends ReturnType<typeof Type.String>>(type: T) =>
  Type.Union([type, Type.Null()])
const Paths = Type.Record(Type.String(), Type.Unknown())
const NullablePaths = Type.Union([Paths, Type.Null()])
const Content = Type.Object(
  {
    deviceContent: Type.Optional(NullablePaths),
    moduleContent: Type.Optional(NullablePaths),
    modulesContent: Type.Optional(NullablePaths),
  },
  {
    description:
      'Exactly one of the three; keys of each are properties.desired or properties.desired.{path}.',
  },
)
const Unchecked = (description: string) => Type.Optional(Type.Unknown({ description }))

/** The hub reads it itself, so that an error has the code and the words of this document. */
const ConfigurationBody = Type.Object({
  id: Type.Optional(Nullable(Type.String())),
  schemaVersion: Unchecked('A string; null unless it is set.'),
  labels: Unchecked('Strings by their names.'),
  content: Unchecked('deviceContent, moduleContent or modulesContent; stays as it was created.'),
  targetCondition: Unchecked("'' for none, * for all devices, or a condition."),
  priority: Unchecked('A whole number; the greatest wins. Default: 0.'),
  metrics: Unchecked('{ queries: { name: "SELECT …" } }, at most 5.'),
})

const TestBody = Type.Object({
  targetCondition: Type.Optional(Nullable(Type.String())),
  customMetricQueries: Type.Optional(
    Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()]),
  ),
})

const ConfigurationParams = Type.Object({ id: Type.String() })
interface Params {
  id: string
}

const tags = ['configurations']

/** `/configurations` and what belongs to them (08 §2). */
export function configurationRoutes(app: FastifyInstance, hub: Hub): void {
  readRoutes(app, hub)
  writeRoutes(app, hub)
  app.post<{ Params: DeviceRef }>(
    '/devices/:deviceId/applyConfigurationContent',
    {
      onRequest: authorize(hub.authenticator, 'RegistryWrite', 'ServiceConnect'),
      schema: {
        ...{ tags, summary: 'Set the modules of an edge device at once' },
        ...{ params: DeviceParams, body: Content },
      },
    },
    async (request, reply) => {
      await hub.edgeContent.apply(request.params.deviceId, request.body, authorOf(request))
      return reply.code(204).send()
    },
  )
}

function readRoutes(app: FastifyInstance, { authenticator, configurations }: Hub): void {
  const onRequest = authorize(authenticator, 'RegistryRead', 'ServiceConnect')
  app.get(
    '/configurations',
    { onRequest, schema: { tags, summary: 'List automatic configurations' } },
    async () => configurations.list(),
  )

  app.get<{ Params: Params }>(
    '/configurations/:id',
    { onRequest, schema: { tags, summary: 'Get a configuration', params: ConfigurationParams } },
    async ({ params }, reply) => send(reply, configurations.get(params.id)),
  )

  app.post(
    '/configurations/testQueries',
    {
      onRequest,
      schema: { tags, summary: 'Find out whether conditions and queries are good', body: TestBody },
    },
    async ({ body }) => configurations.test(body),
  )
}

function writeRoutes(app: FastifyInstance, { authenticator, configurations }: Hub): void {
  const onRequest = authorize(authenticator, 'RegistryWrite', 'ServiceConnect')
  app.put<{ Params: Params }>(
    '/configurations/:id',
    {
      onRequest,
      schema: {
        ...{ tags, summary: 'Create or change a configuration' },
        ...{ params: ConfigurationParams, body: ConfigurationBody },
      },
    },
    async (request, reply) => {
      const { params, body } = request
      const author = authorOf(request)
      return send(reply, await configurations.put(params.id, body, ifMatch(request), author))
    },
  )

  app.delete<{ Params: Params }>(
    '/configurations/:id',
    { onRequest, schema: { tags, summary: 'Delete a configuration', params: ConfigurationParams } },
    async (request, reply) => {
      await configurations.remove(request.params.id, ifMatch(request))
      return reply.code(204).send()
    },
  )
}

function send(reply: FastifyReply, view: { readonly [member: string]: unknown }): object {
  reply.header('etag', `"${view.etag}"`)
  return view
}
