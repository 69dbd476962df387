import type { JsonObject } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import type { EnrollmentToken } from '../../registry/enrollment-token.ts'
import { DEFAULT_TOKEN_MINUTES, MAX_TOKEN_MINUTES } from '../../registry/security-enrollment.ts'
import { formatTime } from '../../twins/view.ts'
import { authorize } from './authorize.ts'
import { DeviceParams } from './schemas.ts'

/** Long enough for any token; whoever asks has proven nothing. */
const MAX_ENROLL_BODY_BYTES = 4096

const TokenParams = Type.Object({ ...DeviceParams.properties, tokenId: Type.String() })
const TokenBody = Type.Object(
  {
    validForMinutes: Type.Optional(
      Type.Integer({ minimum: 1, maximum: MAX_TOKEN_MINUTES, default: DEFAULT_TOKEN_MINUTES }),
    ),
    moduleId: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  },
  { additionalProperties: false },
)
const EnrollBody = Type.Object(
  { token: Type.String({ minLength: 1, maxLength: 256 }) },
  { additionalProperties: false },
)

interface DeviceRoute {
  Params: Static<typeof DeviceParams>
}

/**
 * One-time tokens for the agents of security modules (security 07 §6, A4):
 *
 *     POST   /api/devices/{d}/security/enrollment-tokens {validForMinutes?, moduleId?} → 201, the token
 *     GET    /api/devices/{d}/security/enrollment-tokens             without their secrets
 *     DELETE /api/devices/{d}/security/enrollment-tokens/{tokenId}
 *     POST   /api/security/enroll {token} → {deviceId, moduleId, connectionString, caCertificate?}
 */
export function securityEnrollmentRoutes(app: FastifyInstance, hub: Hub): void {
  const { securityEnrollment } = hub
  const read = authorize(hub.authenticator, 'RegistryRead')
  const write = authorize(hub.authenticator, 'RegistryWrite')
  const tags = ['security module enrolment']
  const url = '/api/devices/:deviceId/security/enrollment-tokens'

  app.post<DeviceRoute & { Body: Static<typeof TokenBody> }>(
    url,
    {
      onRequest: write,
      schema: {
        tags,
        summary: 'Create a one-time token for the agent of a device; it is shown this once',
        params: DeviceParams,
        body: TokenBody,
      },
    },
    async (request, reply) => {
      const { deviceId } = request.params
      const createdBy = request.grant?.policyName ?? ''
      const made = await securityEnrollment.create(deviceId, { ...request.body, createdBy })
      reply.code(201).header('cache-control', 'no-store')
      return { ...tokenView(made.token, hub.clock.now()), token: made.text }
    },
  )

  app.get<DeviceRoute>(
    url,
    {
      onRequest: read,
      schema: { tags, summary: 'List the enrolment tokens of a device', params: DeviceParams },
    },
    async ({ params }) => {
      const nowMs = hub.clock.now()
      const tokens = await securityEnrollment.list(params.deviceId)
      return { items: tokens.map((token) => tokenView(token, nowMs)), continuationToken: null }
    },
  )

  app.delete<{ Params: Static<typeof TokenParams> }>(
    `${url}/:tokenId`,
    { onRequest: write, schema: { tags, summary: 'Revoke a token', params: TokenParams } },
    async ({ params, grant }, reply) => {
      const { deviceId, tokenId } = params
      await securityEnrollment.revoke(deviceId, tokenId, grant?.policyName ?? '')
      return reply.code(204).send()
    },
  )

  app.post<{ Body: Static<typeof EnrollBody> }>(
    '/api/security/enroll',
    {
      bodyLimit: MAX_ENROLL_BODY_BYTES,
      schema: {
        tags,
        summary: 'Redeem a one-time token for the credential of a security module',
        body: EnrollBody,
        security: [],
      },
    },
    async (request, reply) => {
      const enrolled = await securityEnrollment.redeem(request.body.token, request.ip)
      reply.header('cache-control', 'no-store')
      return enrolled
    },
  )
}

function tokenView(token: EnrollmentToken, nowMs: number): JsonObject {
  const { tokenId, deviceId, moduleId = null, createdTimeMs, expiresTimeMs, used } = token
  const isExpired = expiresTimeMs <= nowMs
  return {
    ...{ tokenId, deviceId, moduleId },
    status: used ? 'used' : isExpired ? 'expired' : 'open',
    createdBy: token.createdBy,
    createdTimeUtc: formatTime(createdTimeMs),
    expiresTimeUtc: formatTime(expiresTimeMs),
    usedTimeUtc: used ? formatTime(used.timeMs) : null,
    usedAddress: used?.address ?? null,
  }
}
