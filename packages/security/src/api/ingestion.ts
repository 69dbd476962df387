import type { JsonObject } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { EventSchema } from '../ingestion/event-schemas.ts'
import type { IntakeState } from '../ingestion/ingestion-store.ts'
import { formatHour, type IntakeLimits } from '../ingestion/quota.ts'
import type { SecurityService } from '../security.ts'
import type { ApiGuard } from './guard.ts'
import { formatTime } from './query.ts'

const Device = Type.Object({ deviceId: Type.String() })
const Named = Type.Object({
  name: Type.String({ description: 'Words with a dot between them, such as acme.DoorOpened' }),
})
const SchemaBody = Type.Object(
  {
    description: Type.Optional(Type.String({ description: 'For people' })),
    schema: Type.Unsafe<JsonObject>(
      Type.Object({}, { description: 'JSON Schema of one payload element; see the documentation' }),
    ),
  },
  { additionalProperties: false },
)

interface Options {
  readonly security: SecurityService
  readonly guard: ApiGuard
}

/** What came in from a device, and the schemas of custom events: `/api/security/event-schemas`. */
export function ingestionRoutes(app: FastifyInstance, options: Options): void {
  const { ingestion } = options.security
  app.get<{ Params: Static<typeof Device> }>(
    '/api/devices/:deviceId/security/ingestion',
    {
      schema: {
        tags: ['security'],
        summary: 'Show how many security events of a device came, counted and were lost to limits',
        params: Device,
      },
    },
    async ({ params }) => {
      return intakeView(await ingestion.device(params.deviceId), ingestion.limits)
    },
  )
  eventSchemaRoutes(app, options)
}

function eventSchemaRoutes(app: FastifyInstance, { security, guard }: Options): void {
  const { schemas } = security.ingestion
  const tags = ['security']
  const url = '/api/security/event-schemas/:name'
  type Params = Static<typeof Named>

  app.get(
    '/api/security/event-schemas',
    { schema: { tags, summary: 'List the schemas of custom events' } },
    async () => ({ items: schemas.list().map(schemaView) }),
  )
  app.get<{ Params: Params }>(
    url,
    { schema: { tags, summary: 'Show the schema of a custom event', params: Named } },
    async ({ params }) => schemaView(schemas.get(params.name)),
  )
  app.put<{ Params: Params; Body: Static<typeof SchemaBody> }>(
    url,
    {
      schema: {
        tags,
        summary: 'Add a custom event or replace its schema',
        params: Named,
        body: SchemaBody,
      },
    },
    async (request) => {
      const { description = '', schema } = request.body
      const { name } = request.params
      const changedBy = guard.caller(request)
      return schemaView(await schemas.put({ name, description, schema, changedBy }))
    },
  )
  app.delete<{ Params: Params }>(
    url,
    { schema: { tags, summary: 'Forget the schema of a custom event', params: Named } },
    async ({ params }, reply) => {
      await schemas.remove(params.name)
      return reply.code(204).send()
    },
  )
}

function schemaView({ name, description, schema, changedMs, changedBy }: EventSchema): object {
  return { name, description, schema, changedUtc: formatTime(changedMs), changedBy }
}

function intakeView(state: IntakeState, limits: IntakeLimits): object {
  const { deviceId, dayBytes, hourRows, losses, unknownPayloads } = state
  return {
    deviceId,
    events: state.events,
    repeatedEvents: state.repeated,
    reusedIds: state.reusedIds,
    lostEvents: state.lostEvents,
    lostRows: state.lostRows,
    lossesByHour: losses.map(({ hour, events, rows }) => {
      return { hourUtc: formatHour(hour), events, rows }
    }),
    lastDay: { dayUtc: formatHour(state.day * 24).slice(0, 10), bytes: dayBytes },
    lastHour: { hourUtc: formatHour(state.hour), rows: hourRows },
    limits: { dailyBytes: limits.dailyBytes, hourlyRows: limits.hourlyRows },
    unknownPayloads,
  }
}
