import { HubError } from '@twinward/protocol'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Static, TSchema } from 'typebox'
import type { Hub } from '../../../hub.ts'
import type { Enrollment, EnrollmentKind } from '../../../provisioning/enrollment.ts'
import type { EnrollmentWrite } from '../../../provisioning/read-enrollment.ts'
import { authorize } from '../authorize.ts'
import { ifMatch } from '../conditions.ts'
import { attestationView, enrollmentView, type ViewOptions, writeOf } from './enrollment-view.ts'
import { readPage, sendPage } from './query-page.ts'
import { EnrollmentBody, GroupBody, IdParams, QueryBody } from './schemas.ts'

interface Family {
  readonly kind: EnrollmentKind
  readonly path: string
  readonly itemType: string
  readonly body: TSchema
  readonly idMember: 'registrationId' | 'enrollmentGroupId'
}

const INDIVIDUALS: Family = {
  kind: 'individual',
  path: '/enrollments',
  itemType: 'enrollment',
  body: EnrollmentBody,
  idMember: 'registrationId',
}
const GROUPS: Family = {
  kind: 'group',
  path: '/enrollmentGroups',
  itemType: 'enrollmentGroup',
  body: GroupBody,
  idMember: 'enrollmentGroupId',
}

interface IdRoute {
  Params: Static<typeof IdParams>
}

const tags = ['provisioning']

/**
 * Who may read and write enrolments: besides the provisioning service's policies those of the
 * registry, because who makes devices and reads their keys can do no more by an enrolment.
 */
export function enrollmentRights({ authenticator }: Hub) {
  return {
    read: authorize(authenticator, 'EnrollmentRead', 'EnrollmentWrite', 'RegistryRead'),
    write: authorize(authenticator, 'EnrollmentWrite', 'RegistryWrite'),
  }
}

/** `/enrollments` and `/enrollmentGroups`, as azure-iot-provisioning-service speaks them. */
export function enrollmentRoutes(app: FastifyInstance, hub: Hub): void {
  for (const family of [INDIVIDUALS, GROUPS]) {
    writeRoutes(app, hub, family)
    readRoutes(app, hub, family)
  }
}

function writeRoutes(app: FastifyInstance, hub: Hub, family: Family): void {
  const { enrollments } = hub.provisioning
  const { write } = enrollmentRights(hub)
  const { kind, path, body, idMember } = family

  app.put<IdRoute & { Body: Parameters<typeof writeOf>[0] }>(
    `${path}/:id`,
    {
      onRequest: write,
      schema: {
        tags,
        summary: `Create an enrollment (${kind}), or replace it with If-Match`,
        params: IdParams,
        body,
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const given = (request.body as Readonly<Record<string, unknown>>)[idMember]
      if (typeof given !== 'string' || given.toLowerCase() !== id.toLowerCase()) {
        throw new HubError('ArgumentInvalid', `${idMember} must be the one of the path.`)
      }
      const content: EnrollmentWrite = writeOf(request.body)
      const enrollment = await enrollments.put({ kind, id }, content, ifMatch(request))
      return send(reply, enrollment, { hasKeys: true })
    },
  )

  app.delete<IdRoute>(
    `${path}/:id`,
    { onRequest: write, schema: { tags, summary: `Delete an enrollment (${kind})` } },
    async (request, reply) => {
      await enrollments.remove(kind, request.params.id, ifMatch(request))
      return reply.code(204).send()
    },
  )

  app.post<IdRoute>(
    `${path}/:id/attestationmechanism`,
    { onRequest: write, schema: { tags, summary: `Get the keys of an enrollment (${kind})` } },
    async (request) => {
      const { settings } = await enrollments.get(kind, request.params.id)
      return attestationView(settings.attestation, true)
    },
  )
}

function readRoutes(app: FastifyInstance, hub: Hub, family: Family): void {
  const { enrollments, registrations } = hub.provisioning
  const { read } = enrollmentRights(hub)
  const { kind, path, itemType } = family

  app.get<IdRoute>(
    `${path}/:id`,
    {
      onRequest: read,
      schema: { tags, summary: `Get an enrollment (${kind})`, params: IdParams },
    },
    async (request, reply) => {
      const enrollment = await enrollments.get(kind, request.params.id)
      const known = kind === 'individual' ? await registrations.find(enrollment.id) : undefined
      const registration = known?.enrollment.kind === kind ? known : undefined
      return send(reply, enrollment, { registration })
    },
  )

  app.post<{ Body: Static<typeof QueryBody> }>(
    `${path}/query`,
    {
      onRequest: read,
      schema: { tags, summary: `List enrollments (${kind})`, body: QueryBody },
    },
    async (request, reply) => {
      const { limit, after } = readPage(request, [path.slice(1).toLowerCase()])
      const found = await enrollments.list(kind, limit + 1, after)
      const page = sendPage(reply, found, { limit, itemType, idOf: ({ id }) => id })
      return page.map((enrollment) => enrollmentView(enrollment))
    },
  )
}

function send(reply: FastifyReply, enrollment: Enrollment, options: ViewOptions) {
  reply.header('etag', `"${enrollment.etag}"`)
  return enrollmentView(enrollment, options)
}
