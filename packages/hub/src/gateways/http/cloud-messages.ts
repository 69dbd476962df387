import type { DeviceRef } from '@twinward/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import type { LockedMessage } from '../../messages/cloud-messages.ts'
import { formatTime } from '../../twins/view.ts'
import { authorize } from './authorize.ts'
import { authorizeDevice } from './authorize-device.ts'
import { DeviceParams } from './schemas.ts'

const DEVICE_BOUND = '/devices/:deviceId/messages/deviceBound'
const LockParams = Type.Object({ deviceId: Type.String(), lock: Type.String() })

interface DeviceRoute {
  Params: Static<typeof DeviceParams>
}
interface LockRoute {
  Params: Static<typeof LockParams>
}

/** What a header's name may be made of (RFC 9110 §5.6.2). */
const NOT_IN_A_NAME = /[^A-Za-z0-9!#$%&'*+.^_`|~-]/g

/**
 * A device receives and settles its messages over HTTPS (05 §1.2), and a service purges them (05 §2).
 * Modules have no such routes, as on IoT Hub.
 *
 *     GET    …/deviceBound                    200 and a message, or 204
 *     DELETE …/deviceBound/{lock}             complete
 *     DELETE …/deviceBound/{lock}?reject      reject
 *     POST   …/deviceBound/{lock}/abandon     abandon
 */
export function cloudMessageRoutes(app: FastifyInstance, hub: Hub): void {
  const tags = ['cloud-to-device messages']
  const onRequest = async (request: FastifyRequest) => {
    await authorizeDevice(hub, request, deviceOf(request as FastifyRequest<DeviceRoute>))
  }
  const { cloudMessages } = hub

  app.get<DeviceRoute>(
    DEVICE_BOUND,
    {
      onRequest,
      // A HEAD would lock a message that nobody gets.
      exposeHeadRoute: false,
      schema: { tags, summary: 'Receive a message, as the device', params: DeviceParams },
    },
    async (request, reply) => {
      const [message] = await cloudMessages.receive(deviceOf(request), 1)
      return message ? sendMessage(reply, message) : reply.code(204).send()
    },
  )

  app.delete<LockRoute & { Querystring: { reject?: string } }>(
    `${DEVICE_BOUND}/:lock`,
    { onRequest, schema: { tags, summary: 'Complete or reject a message', params: LockParams } },
    async (request, reply) => {
      const { lock, deviceId } = request.params
      const isRejected = isReject(request.query)
      if (isRejected) await cloudMessages.reject({ deviceId }, lockToken(lock))
      else await cloudMessages.complete({ deviceId }, lockToken(lock))
      hub.activity.counters.count(deviceId, isRejected ? 'httpC2DRejected' : 'httpC2D')
      return reply.code(204).send()
    },
  )

  app.post<LockRoute>(
    `${DEVICE_BOUND}/:lock/abandon`,
    { onRequest, schema: { tags, summary: 'Abandon a message', params: LockParams } },
    async (request, reply) => {
      await cloudMessages.abandon(deviceOf(request), lockToken(request.params.lock))
      return reply.code(204).send()
    },
  )

  app.delete<DeviceRoute>(
    '/devices/:deviceId/commands',
    {
      onRequest: authorize(hub.authenticator, 'ServiceConnect'),
      schema: { tags, summary: 'Purge the messages of a device', params: DeviceParams },
    },
    async (request) => {
      const { deviceId } = request.params
      return { deviceId, totalMessagesPurged: await cloudMessages.purge({ deviceId }) }
    },
  )
}

/** A lock token as paths carry it: with quotes or without (05 §1.2). */
export function lockToken(text: string): string {
  return text.replace(/^"(.*)"$/, '$1')
}

function deviceOf({ params }: FastifyRequest<DeviceRoute>): DeviceRef {
  return { deviceId: params.deviceId }
}

/** `?reject`, `?reject=` and `?reject=true`. */
function isReject({ reject }: { readonly reject?: string | readonly string[] }): boolean {
  return reject !== undefined && String(reject).toLowerCase() !== 'false'
}

/**
 * A message as headers and body. Properties hold printable ASCII only (10 §1), so values pass as they
 * are; characters that a header's name may not have are percent-encoded in it.
 */
function sendMessage(reply: FastifyReply, message: LockedMessage): FastifyReply {
  const { ref, system, application } = message
  const headers: { readonly [name: string]: string | undefined } = {
    etag: `"${message.lockToken}"`,
    'iothub-messageid': system.messageId,
    'iothub-correlationid': system.correlationId,
    'iothub-userid': system.userId,
    'iothub-to': `/devices/${ref.deviceId}/messages/deviceBound`,
    'iothub-sequencenumber': String(message.sequence),
    'iothub-enqueuedtime': formatTime(message.enqueuedTimeMs),
    'iothub-expiry': formatTime(message.expiresAtMs),
    'iothub-deliverycount': String(message.deliveryCount),
    'iothub-ack': message.ack,
    'iothub-contenttype': system.contentType,
    'iothub-contentencoding': system.contentEncoding,
    'iothub-creation-time-utc': system.creationTimeUtc,
    'content-type': system.contentType || 'application/octet-stream',
  }
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) reply.header(name, value)
  }
  for (const [name, value] of Object.entries(application)) {
    reply.header(`iothub-app-${headerName(name)}`, value ?? '')
  }
  return reply.send(Buffer.from(message.body))
}

function headerName(name: string): string {
  return name.replace(NOT_IN_A_NAME, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
  })
}
