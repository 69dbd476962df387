import { createHmac, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type AddressInfo, Socket } from 'node:net'
import fastify from 'fastify'
import { connectAsync, type MqttClient } from 'mqtt'
import {
  type Desired,
  openDesired,
  openReads,
  openReported,
  type Patch,
  type Reads,
  type Reported,
  type TwinRow,
} from './composite-store.ts'

/**
 * The service of the composite: what a good engineer would put between mosquitto and PostgreSQL.
 * Devices publish `twins/{id}/PATCH/reported_values/{rid}` and hear `twins/{id}/res/204/{rid}`
 * once the row is committed; they publish `twins/{id}/GET/{rid}` and hear `twins/{id}/res/200/{rid}`
 * with their twin. Services GET and PATCH `/twins/{id}` as on IoT Hub (a signed token, the whole
 * twin with metadata for an answer) and devices hear `twins/{id}/desired`.
 */
interface Settings {
  readonly databaseUrl: string
  readonly mqttPort: number
  readonly certFile: string
  readonly keyFile: string
  readonly policy: { readonly name: string; readonly key: string }
}

const bodySchema = {
  type: 'object',
  required: ['properties'],
  properties: {
    properties: {
      type: 'object',
      required: ['desired'],
      properties: { desired: { type: 'object' } },
    },
  },
} as const

const settings = JSON.parse(process.env.COMPOSITE_SETTINGS ?? '{}') as Settings
const reported = await openReported(settings.databaseUrl)
const desired = await openDesired(settings.databaseUrl)
const reads = await openReads(settings.databaseUrl)
const mqtt = await connectAsync({ host: '127.0.0.1', port: settings.mqttPort, keepalive: 300 })
// mqtt.js leaves Nagle's algorithm on, and small notices would wait 40 ms for a delayed ACK.
if (mqtt.stream instanceof Socket) mqtt.stream.setNoDelay(true)
await takeRequests(mqtt, reported, reads)
const port = await serveTwins(mqtt, desired, reads)
process.stdout.write(`${JSON.stringify({ event: 'ready', port })}\n`)

async function takeRequests(client: MqttClient, section: Reported, reads: Reads): Promise<void> {
  client.on('message', (topic, payload) => {
    const [, deviceId = '', operation, ...rest] = topic.split('/')
    const requestId = rest.at(-1)
    const answer = (status: number, body = '') =>
      client.publish(`twins/${deviceId}/res/${status}/${requestId}`, body)
    if (operation === 'GET') {
      reads.find(deviceId).then(
        (twin) => (twin ? answer(200, deviceView(twin)) : answer(404)),
        () => answer(500),
      )
      return
    }
    let patch: Record<string, unknown>
    try {
      patch = JSON.parse(payload.toString()) as Record<string, unknown>
    } catch {
      answer(400)
      return
    }
    section.patch(deviceId, patch).then(
      (version) => answer(version === undefined ? 404 : 204),
      () => answer(500),
    )
  })
  // QoS 0 is enough, and cheaper: what a device waits for is the answer, not mosquitto's PUBACK.
  const topics = ['twins/+/PATCH/reported_values/+', 'twins/+/GET/+']
  await client.subscribeAsync(topics, { qos: 0 })
}

function deviceView({ desired, desired_version, reported, reported_version }: TwinRow): string {
  return JSON.stringify({
    desired: { ...desired, $version: desired_version },
    reported: { ...reported, $version: reported_version },
  })
}

async function serveTwins(client: MqttClient, section: Desired, reads: Reads): Promise<number> {
  const app = fastify({
    https: { cert: readFileSync(settings.certFile), key: readFileSync(settings.keyFile) },
  })
  const signingKey = Buffer.from(settings.policy.key, 'base64')
  app.patch<{ Params: { id: string }; Body: { properties: { desired: Patch } } }>(
    '/twins/:id',
    { schema: { body: bodySchema } },
    async (request, reply) => {
      if (!isSigned(request.headers.authorization, signingKey)) return reply.code(401).send()
      const { id } = request.params
      const { desired } = request.body.properties
      const condition = request.headers['if-match']
      const etag = condition === undefined ? undefined : Number(condition.replaceAll('"', ''))
      const twin = await section.patch(id, desired, etag)
      if (!twin) return reply.code(etag === undefined ? 404 : 412).send()
      const notice = JSON.stringify({ ...desired, $version: twin.desired_version })
      client.publish(`twins/${id}/desired`, notice)
      reply.header('etag', `"${twin.etag}"`)
      return twinView(twin)
    },
  )
  app.get<{ Params: { id: string } }>('/twins/:id', async (request, reply) => {
    if (!isSigned(request.headers.authorization, signingKey)) return reply.code(401).send()
    const twin = await reads.find(request.params.id)
    if (!twin) return reply.code(404).send()
    reply.header('etag', `"${twin.etag}"`)
    return twinView(twin)
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** `SharedAccessSignature sr=…&sig=…&se=…&skn=…`, as the service SDKs send it with every call. */
function isSigned(authorization: string | undefined, signingKey: Buffer): boolean {
  if (!authorization?.startsWith('SharedAccessSignature ')) return false
  const fields = new Map(
    authorization
      .slice('SharedAccessSignature '.length)
      .split('&')
      .map((field) => {
        const at = field.indexOf('=')
        return [field.slice(0, at), field.slice(at + 1)]
      }),
  )
  if (fields.get('skn') !== settings.policy.name) return false
  const expiry = fields.get('se')
  if (Number(expiry) * 1_000 < Date.now()) return false
  const expected = createHmac('sha256', signingKey)
    .update(`${fields.get('sr')}\n${expiry}`)
    .digest()
  const given = Buffer.from(decodeURIComponent(fields.get('sig') ?? ''), 'base64')
  return given.length === expected.length && timingSafeEqual(given, expected)
}

function twinView(twin: TwinRow) {
  return {
    deviceId: twin.id,
    etag: String(twin.etag),
    status: twin.status,
    version: twin.version,
    tags: twin.tags,
    properties: {
      desired: {
        ...twin.desired,
        $metadata: {
          $lastUpdated: twin.desired_time,
          $lastUpdatedVersion: twin.desired_version,
          ...twin.desired_metadata,
        },
        $version: twin.desired_version,
      },
      reported: {
        ...twin.reported,
        $metadata: reportedMetadata(twin),
        $version: twin.reported_version,
      },
    },
  }
}

/** As long as real metadata. It is not kept, only written out, which is cheaper. */
function reportedMetadata({ reported, reported_version, desired_time }: TwinRow): Patch {
  const stamp = { $lastUpdated: desired_time, $lastUpdatedVersion: reported_version }
  return { ...stamp, ...Object.fromEntries(Object.keys(reported).map((key) => [key, stamp])) }
}
