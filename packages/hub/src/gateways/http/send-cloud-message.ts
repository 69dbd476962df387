import {
  type CloudMessage,
  type DeviceRef,
  type FeedbackRequest,
  HubError,
  type MessageSystemProperties,
} from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, type TSchema, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import { formatTime } from '../../twins/view.ts'
import { authorize } from './authorize.ts'
import { DeviceParams, ModuleParams } from './schemas.ts'

const OptionalText = Type.Optional(Type.String())
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const SendBody = Type.Object(
  {
    /** Text, or base64 of any bytes; without both the body is empty. */
    body: OptionalText,
    bodyBase64: OptionalText,
    messageId: OptionalText,
    correlationId: OptionalText,
    userId: OptionalText,
    contentType: OptionalText,
    contentEncoding: OptionalText,
    expiryTimeUtc: OptionalText,
    ttlSeconds: Type.Optional(Type.Integer({ minimum: 1 })),
    ack: OptionalText,
    properties: Type.Optional(Type.Record(Type.String(), Type.Union([Type.String(), Type.Null()]))),
  },
  { additionalProperties: false },
)
type SendBody = Static<typeof SendBody>

/**
 * `/api/devices/{d}[/modules/{m}]/messages/deviceBound`: POST sends a message, DELETE purges. IoT Hub
 * sends over AMQP only and cannot purge a module's queue over HTTPS, so these are our own.
 */
export function sendCloudMessageRoutes(app: FastifyInstance, hub: Hub): void {
  routesAt(app, hub, '/api/devices/:deviceId/messages/deviceBound', DeviceParams)
  routesAt(app, hub, '/api/devices/:deviceId/modules/:moduleId/messages/deviceBound', ModuleParams)
}

function routesAt(app: FastifyInstance, hub: Hub, url: string, params: TSchema): void {
  const onRequest = authorize(hub.authenticator, 'ServiceConnect')
  const whom = url.includes('module') ? 'module' : 'device'
  const tags = ['cloud-to-device messages']

  app.post<{ Params: DeviceRef; Body: SendBody }>(
    url,
    {
      onRequest,
      schema: { tags, summary: `Send a message to a ${whom}`, params, body: SendBody },
    },
    async (request, reply) => {
      const message = readMessage(request.body, hub.clock.now())
      const sent = await hub.cloudMessages.send(request.params, message)
      return reply.code(201).send({
        messageId: sent.messageId,
        sequenceNumber: sent.sequence,
        enqueuedTimeUtc: formatTime(sent.enqueuedTimeMs),
        expiryTimeUtc: formatTime(sent.expiresAtMs),
      })
    },
  )

  app.delete<{ Params: DeviceRef }>(
    url,
    { onRequest, schema: { tags, summary: `Purge the messages of a ${whom}`, params } },
    async ({ params }) => ({
      ...params,
      totalMessagesPurged: await hub.cloudMessages.purge(params),
    }),
  )
}

function readMessage(body: SendBody, nowMs: number): CloudMessage {
  const { messageId, correlationId, userId, contentType, contentEncoding } = body
  const expiryTimeUtc = readExpiry(body, nowMs)
  const given = { messageId, correlationId, userId, contentType, contentEncoding, expiryTimeUtc }
  const system: MessageSystemProperties = Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  )
  return {
    system,
    // The service knows which words there are.
    ack: (body.ack ?? 'none').toLowerCase() as FeedbackRequest,
    application: body.properties ?? {},
    body: readContent(body),
  }
}

function readExpiry({ expiryTimeUtc, ttlSeconds }: SendBody, nowMs: number): string | undefined {
  if (ttlSeconds === undefined) return expiryTimeUtc
  if (expiryTimeUtc !== undefined) {
    throw new HubError('ArgumentInvalid', 'Give one of expiryTimeUtc and ttlSeconds.')
  }
  const expiry = new Date(nowMs + ttlSeconds * 1000)
  if (!Number.isNaN(expiry.getTime())) return expiry.toISOString()
  throw new HubError('InvalidMessageExpiryTime', 'ttlSeconds is beyond all dates.')
}

function readContent({ body, bodyBase64 }: SendBody): Uint8Array {
  if (bodyBase64 === undefined) return Buffer.from(body ?? '')
  if (body !== undefined) {
    throw new HubError('ArgumentInvalid', 'Give one of body and bodyBase64.')
  }
  if (BASE64.test(bodyBase64)) return Buffer.from(bodyBase64, 'base64')
  throw new HubError('ArgumentInvalid', 'bodyBase64 is not base64.')
}
