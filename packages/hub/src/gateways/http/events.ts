import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import type { ConsumerGroupInfo } from '../../messages/consumer-groups.ts'
import { audited } from './audited.ts'
import { authorize } from './authorize.ts'

const Params = Type.Object({ name: Type.String() })

const PartitionView = Type.Object({
  partitionId: Type.String(),
  beginSequenceNumber: Type.Integer({ description: 'Of the oldest event that is still there' }),
  lastSequenceNumber: Type.Integer({ description: '0 when there never was one' }),
  lastEnqueuedTimeUtc: Type.Union([Type.String({ format: 'date-time' }), Type.Null()]),
  isEmpty: Type.Boolean(),
})
const EventsView = Type.Object({
  name: Type.String({ description: 'The Event Hubs compatible name' }),
  partitions: Type.Array(PartitionView),
  readerCount: Type.Integer({ description: 'Readers that are open, of all consumer groups' }),
})
const GroupView = Type.Object({
  name: Type.String(),
  createdTimeUtc: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
    description: 'null: it always exists',
  }),
})
const GroupList = Type.Object({ value: Type.Array(GroupView) })

interface GroupRoute {
  Params: Static<typeof Params>
}

/**
 * `/api/events`: the event log as its readers see it, and the consumer groups, which IoT Hub keeps in
 * Azure Resource Manager.
 */
export function eventRoutes(app: FastifyInstance, hub: Hub): void {
  const { events, hostNames } = hub
  const read = authorize(hub.authenticator, 'RegistryRead', 'ServiceConnect')
  const write = authorize(hub.authenticator, 'RegistryWrite')
  const tags = ['events']

  app.get(
    '/api/events',
    {
      onRequest: read,
      schema: {
        tags,
        summary: 'Describe the event endpoint and its partitions',
        response: { 200: EventsView },
      },
    },
    async () => ({
      name: hostNames.hubName,
      partitions: await Promise.all(events.partitionIds.map((id) => partitionView(hub, id))),
      readerCount: events.count,
    }),
  )

  app.get(
    '/api/events/consumer-groups',
    {
      onRequest: read,
      schema: { tags, summary: 'List the consumer groups', response: { 200: GroupList } },
    },
    async () => ({ value: (await events.groups.list()).map(groupView) }),
  )

  const schema = (summary: string) => ({
    tags,
    summary,
    params: Params,
    response: { 200: GroupView },
  })

  app.get<GroupRoute>(
    '/api/events/consumer-groups/:name',
    { onRequest: read, schema: schema('Get a consumer group') },
    async ({ params }) => groupView(await events.groups.get(params.name)),
  )

  app.put<GroupRoute>(
    '/api/events/consumer-groups/:name',
    { onRequest: write, schema: schema('Create a consumer group, unless it is there') },
    async (request) => {
      const { name } = request.params
      const change = { kind: 'export.change', subject: `consumer group ${name}` } as const
      return groupView(await audited(hub, request, change, () => events.groups.put(name)))
    },
  )

  app.delete<GroupRoute>(
    '/api/events/consumer-groups/:name',
    {
      onRequest: write,
      schema: { tags, summary: 'Delete a consumer group and end its readers', params: Params },
    },
    async (request, reply) => {
      const { name } = request.params
      const change = { kind: 'export.delete', subject: `consumer group ${name}` } as const
      await audited(hub, request, change, () => events.removeGroup(name))
      return reply.code(204).send()
    },
  )
}

async function partitionView({ events }: Hub, partitionId: string) {
  const state = await events.partitionState(partitionId)
  return {
    partitionId,
    beginSequenceNumber: state.firstSequence,
    lastSequenceNumber: state.lastSequence,
    lastEnqueuedTimeUtc: state.isEmpty ? null : new Date(state.lastEnqueuedMs).toISOString(),
    isEmpty: state.isEmpty,
  }
}

function groupView({ name, createdMs }: ConsumerGroupInfo) {
  return { name, createdTimeUtc: createdMs === null ? null : new Date(createdMs).toISOString() }
}
