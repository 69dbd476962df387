import { isUtf8 } from 'node:buffer'
import {
  type DeviceMessage,
  type DeviceRef,
  HubError,
  isJsonObject,
  type JsonValue,
  type MessageSystemProperties,
  parseJson,
} from '@twinward/protocol'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import type { Hub } from '../../hub.ts'
import type { Credential } from '../../registry/authenticator.ts'
import { authorizeDevice } from './authorize-device.ts'
import { DeviceParams, ModuleParams } from './schemas.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the sender of a message has proven. */
    credential?: Credential
  }
}

/** Names the body of a batch; a single message may have any other type. */
const BATCH_TYPE = 'application/vnd.microsoft.iothub.json'
/** In base64 and JSON, 256 KiB of small messages take a multiple of that. */
const MAX_BODY_BYTES = 1024 * 1024
const MAX_BATCH_MESSAGES = 10_000

const APPLICATION_PREFIX = 'iothub-app-'
/** Headers that are system properties (05 §1.1). `iothub-to` repeats the path. */
const SYSTEM_HEADERS: ReadonlyMap<string, keyof MessageSystemProperties> = new Map([
  ['iothub-messageid', 'messageId'],
  ['iothub-correlationid', 'correlationId'],
  ['iothub-userid', 'userId'],
  ['iothub-expiry', 'expiryTimeUtc'],
  ['iothub-contenttype', 'contentType'],
  ['iothub-contentencoding', 'contentEncoding'],
  ['iothub-creationtimeutc', 'creationTimeUtc'],
  ['iothub-interface-id', 'interfaceId'],
  ['dt-subject', 'component'],
])
/** Names that only the hub sets. */
const RESERVED: ReadonlySet<string> = new Set(['iothub-operation', 'iothub-messagetype'])

/**
 * `POST /devices/{d}/messages/events` and the module's (05 §1.1), in a scope of their own: a message
 * is bytes, whatever its type says.
 */
export async function deviceTelemetryRoutes(
  app: FastifyInstance,
  { hub }: { hub: Hub },
): Promise<void> {
  app.addHook('onRequest', (request, _reply, done) => {
    // Fastify refuses what is no media type, but here any text will do.
    const { headers } = request.raw
    headers['content-type'] = isBatch(request) ? BATCH_TYPE : 'application/octet-stream'
    done()
  })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    '*',
    { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES },
    (_request, body, done) => done(null, body),
  )
  telemetryRouteAt(app, hub, '/devices/:deviceId/messages/events', DeviceParams)
  telemetryRouteAt(app, hub, '/devices/:deviceId/modules/:moduleId/messages/events', ModuleParams)
}

function telemetryRouteAt(app: FastifyInstance, hub: Hub, url: string, params: TSchema): void {
  const who = url.includes('module') ? 'module' : 'device'
  app.post<{ Params: DeviceRef; Body: Buffer | undefined }>(
    url,
    {
      onRequest: async (request) => {
        request.credential = await authorizeDevice(hub, request, senderOf(request.params))
      },
      schema: {
        tags: ['device telemetry'],
        summary: `Send a message, or a batch of type ${BATCH_TYPE}, as a ${who}`,
        params,
      },
    },
    async (request, reply) => {
      const { body = Buffer.alloc(0), credential } = request
      if (!credential) throw new Error('a sender without a credential')
      const ref = senderOf(request.params)
      const messages = isBatch(request) ? readBatch(ref, body) : [readMessage(ref, request, body)]
      hub.permissions.checkMessages(ref, messages)
      const [first] = messages
      if (isBatch(request) || !first) await hub.telemetry.acceptBatch(messages, credential)
      else await hub.telemetry.accept(first, credential)
      hub.activity.counters.count(ref.deviceId, 'httpD2C', messages.length)
      return reply.code(204).send()
    },
  )
}

function senderOf({ deviceId, moduleId }: DeviceRef): DeviceRef {
  return moduleId === undefined ? { deviceId } : { deviceId, moduleId }
}

function isBatch({ headers }: FastifyRequest): boolean {
  const [type = ''] = (headers['content-type'] ?? '').split(';')
  return type.trim().toLowerCase() === BATCH_TYPE
}

function readMessage(ref: DeviceRef, { raw }: FastifyRequest, body: Buffer): DeviceMessage {
  const { rawHeaders } = raw
  const properties: [string, string][] = []
  for (let i = 0; i < rawHeaders.length; i += 2) {
    properties.push([rawHeaders[i] ?? '', rawHeaders[i + 1] ?? ''])
  }
  return { ref, ...readProperties(properties), body }
}

/** Names are compared without case; an application property keeps its own. */
function readProperties(
  properties: readonly (readonly [string, string | null])[],
): Pick<DeviceMessage, 'system' | 'application'> {
  const system: Record<string, string> = {}
  const application = new Map<string, string | null>()
  for (const [header, value] of properties) {
    const lower = header.toLowerCase()
    const name = SYSTEM_HEADERS.get(lower)
    if (name !== undefined) {
      if (value !== null) system[name] = value
    } else if (lower.startsWith(APPLICATION_PREFIX)) {
      const own = header.slice(APPLICATION_PREFIX.length)
      if (own !== '' && !RESERVED.has(own.toLowerCase())) application.set(own, value)
    }
  }
  return { system, application: Object.fromEntries(application) }
}

/** `[{ "body": "…", "base64Encoded": true, "properties": { "iothub-app-colour": "red" } }]` */
function readBatch(ref: DeviceRef, body: Buffer): readonly DeviceMessage[] {
  if (!isUtf8(body)) throw new HubError('GenericBadRequest', 'The body is not UTF-8.')
  const elements = parseJson(body.toString())
  if (!Array.isArray(elements)) throw new HubError('ArgumentInvalid', 'A batch is a JSON array.')
  if (elements.length > MAX_BATCH_MESSAGES) {
    throw new HubError('ArgumentInvalid', `A batch may have ${MAX_BATCH_MESSAGES} messages.`)
  }
  return elements.map((element, index) => ({ ref, ...readElement(element, `[${index}]`) }))
}

function readElement(element: JsonValue, path: string): Omit<DeviceMessage, 'ref'> {
  if (!isJsonObject(element)) throw invalid(path, 'must be an object')
  const { body, base64Encoded = true, properties = null } = element
  if (typeof body !== 'string') throw invalid(`${path}.body`, 'must be a string')
  if (typeof base64Encoded !== 'boolean')
    throw invalid(`${path}.base64Encoded`, 'must be a boolean')
  if (properties !== null && !isJsonObject(properties)) {
    throw invalid(`${path}.properties`, 'must be an object')
  }
  const values = Object.entries(properties ?? {}).map(
    ([name, value]) => [name, readText(value, `${path}.properties`)] as const,
  )
  return {
    ...readProperties(values),
    body: base64Encoded ? readBase64(body, `${path}.body`) : Buffer.from(body),
  }
}

function readText(value: JsonValue, path: string): string | null {
  if (value !== null && typeof value === 'object') throw invalid(path, 'must have scalar values')
  return value === null ? null : String(value)
}

/** Node's decoder would pass over what is not base64. */
function readBase64(text: string, path: string): Buffer {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw invalid(path, 'is not base64')
  return Buffer.from(text, 'base64')
}

function invalid(path: string, reason: string): HubError {
  return new HubError('ArgumentInvalid', `${path} ${reason}.`)
}
