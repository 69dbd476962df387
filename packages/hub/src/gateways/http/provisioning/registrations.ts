import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../../hub.ts'
import type { Registrant } from '../../../provisioning/registrations.ts'
import {
  MAX_REGISTRATION_BODY_BYTES,
  RETRY_AFTER_SECONDS,
  registrationResult,
  registrationState,
} from '../../provisioning-views.ts'
import { checkRegistrationBody } from '../../registration-body.ts'
import { authorize } from '../authorize.ts'
import { proofOf } from '../authorize-device.ts'
import { ifMatch } from '../conditions.ts'
import { readPage, sendPage } from './query-page.ts'
import { IdParams, QueryBody } from './schemas.ts'

const Params = Type.Object({ idScope: Type.String(), registrationId: Type.String() })
const OperationParams = Type.Object({ ...Params.properties, operationId: Type.String() })

interface DeviceRoute {
  Params: Static<typeof Params>
  Body: Buffer | undefined
}

const tags = ['provisioning']

/** What devices ask (11 §3.2); a plugin of its own, because a body may end with a NUL (13, quirk 3). */
export async function deviceRegistrationRoutes(
  app: FastifyInstance,
  { hub }: { hub: Hub },
): Promise<void> {
  const { registrations } = hub.provisioning
  const path = '/:idScope/registrations/:registrationId'
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: MAX_REGISTRATION_BODY_BYTES },
    (_request, body, done) => done(null, body),
  )

  app.put<DeviceRoute>(
    `${path}/register`,
    { schema: { tags, summary: 'Register a device', params: Params, security: [] } },
    async (request, reply) => {
      checkRegistrationBody(request.body, request.params.registrationId)
      const registration = await registrations.register(registrantOf(request))
      // 202 also when it is done already: some clients take nothing else here (11 §3.2).
      reply.code(202).header('retry-after', RETRY_AFTER_SECONDS)
      return registrationResult(registration)
    },
  )

  app.get<DeviceRoute & { Params: Static<typeof OperationParams> }>(
    `${path}/operations/:operationId`,
    {
      schema: {
        tags,
        summary: 'Get the result of a registration',
        params: OperationParams,
        security: [],
      },
    },
    async (request) => {
      const { operationId } = request.params
      return registrationResult(await registrations.lookUp(registrantOf(request), operationId))
    },
  )

  app.post<DeviceRoute>(
    path,
    { schema: { tags, summary: 'Get the state of a registration', params: Params, security: [] } },
    async (request) => {
      checkRegistrationBody(request.body, request.params.registrationId)
      return registrationState(await registrations.lookUp(registrantOf(request)))
    },
  )
}

/** What services ask about registrations. */
export function registrationRoutes(app: FastifyInstance, hub: Hub): void {
  const { enrollments, registrations } = hub.provisioning
  const { authenticator } = hub
  const read = authorize(
    authenticator,
    ...(['RegistrationStatusRead', 'RegistrationStatusWrite', 'RegistryRead'] as const),
  )
  const write = authorize(authenticator, 'RegistrationStatusWrite', 'RegistryWrite')

  app.get<{ Params: Static<typeof IdParams> }>(
    '/registrations/:id',
    { onRequest: read, schema: { tags, summary: 'Get a registration', params: IdParams } },
    async (request, reply) => {
      const registration = await registrations.get(request.params.id)
      reply.header('etag', `"${registration.etag}"`)
      return registrationState(registration)
    },
  )

  app.delete<{ Params: Static<typeof IdParams> }>(
    '/registrations/:id',
    { onRequest: write, schema: { tags, summary: 'Forget a registration', params: IdParams } },
    async (request, reply) => {
      await registrations.remove(request.params.id, ifMatch(request))
      return reply.code(204).send()
    },
  )

  app.post<{ Params: Static<typeof IdParams>; Body: Static<typeof QueryBody> }>(
    '/registrations/:id/query',
    {
      onRequest: read,
      schema: {
        tags,
        summary: 'List the registrations of a group',
        params: IdParams,
        body: QueryBody,
      },
    },
    async (request, reply) => {
      const { limit, after } = readPage(request, ['devices', 'registrations', 'enrollmentgroups'])
      const { id } = await enrollments.get('group', request.params.id)
      const found = await registrations.list(id, limit + 1, after)
      const page = sendPage(reply, found, {
        ...{ limit, itemType: 'deviceRegistration' },
        idOf: ({ registrationId }) => registrationId,
      })
      return page.map(registrationState)
    },
  )
}

function registrantOf(request: FastifyRequest<DeviceRoute>): Registrant {
  const { idScope, registrationId } = request.params
  return { idScope, registrationId, proof: proofOf(request), address: request.ip }
}
