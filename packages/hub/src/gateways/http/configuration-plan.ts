import { HubError, isJsonObject, type JsonObject } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { PlannedTwin } from '../../configurations/change-plan.ts'
import type { Hub } from '../../hub.ts'
import { authorize, authorOf } from './authorize.ts'

const Body = Type.Object(
  {
    configuration: Type.Optional(
      Type.Unknown({ description: 'A configuration as for PUT, with its id' }),
    ),
    removed: Type.Optional(Type.String({ description: 'The id of one that is to go' })),
    continuationToken: Type.Optional(Type.String({ description: 'From the previous page' })),
  },
  { additionalProperties: false },
)

/** `POST /api/configurations/plan`: what a change of configurations would change, before it does. */
export function configurationPlanRoutes(app: FastifyInstance, hub: Hub): void {
  app.post<{ Body: Static<typeof Body> }>(
    '/api/configurations/plan',
    {
      onRequest: authorize(hub.authenticator, 'RegistryRead', 'ServiceConnect'),
      schema: {
        tags: ['configurations'],
        summary: 'The exact change of every twin, a page at a time',
        body: Body,
      },
    },
    async (request) => {
      const { configuration, removed, continuationToken } = request.body
      const { twins, next } = await hub.configurations.plan(
        readProposal(configuration, removed),
        authorOf(request),
        continuationToken,
      )
      return { items: twins.map(plannedView), continuationToken: next ?? null }
    },
  )
}

function readProposal(configuration: unknown, removed: string | undefined) {
  if ((configuration === undefined) === (removed === undefined)) {
    throw new HubError('ArgumentInvalid', 'Give either configuration or removed.')
  }
  if (removed !== undefined) return { removed }
  if (isJsonObject(configuration)) return { configuration }
  throw new HubError('ArgumentInvalid', 'configuration must be an object.')
}

/** A member that is not there before or after is `null`. */
function plannedView({ ref, changes, refusal }: PlannedTwin): JsonObject {
  return {
    ...ref,
    changes: changes.map(({ path, from, to, by }) => ({
      path: `properties.desired.${path}`,
      from: from ?? null,
      to: to ?? null,
      by: by ?? null,
    })),
    ...(refusal !== undefined && { refusal }),
  }
}
