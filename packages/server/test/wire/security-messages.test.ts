import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { after, before, test } from 'node:test'
import { SECURITY_INTERFACE_ID } from '@twinward/protocol'
import device from 'azure-iot-device'
import mqttTransport from 'azure-iot-device-mqtt'
import mqtt, { type MqttClient } from 'mqtt'
import { identityToken, startTestServer, type TestServer, until } from '../server.ts'

const { Message, ModuleClient } = device
const { Mqtt } = mqttTransport
const MODULE = 'azureiotsecurity'
const MARK = `%24.ifid=${encodeURIComponent(SECURITY_INTERFACE_ID)}`
const DOOR = {
  type: 'object',
  properties: { door: { type: 'integer', minimum: 1 }, state: { type: 'string' } },
  required: ['door'],
  additionalProperties: false,
}

let server: TestServer
before(async () => {
  server = await startTestServer({ deviceHourlySecurityRows: 100 })
  for (const deviceId of ['pump-1', 'pump-2', 'pump-3', 'pump-4']) {
    await server.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
  }
})
after(() => server[Symbol.asyncDispose]())

async function tokenOf(deviceId: string): Promise<string> {
  const { body } = await server.call('GET', `/devices/${deviceId}/modules/${MODULE}`)
  return identityToken(`${server.host}/devices/${deviceId}/modules/${MODULE}`, body)
}

async function connect(deviceId: string): Promise<MqttClient> {
  return mqtt.connectAsync({
    protocol: 'mqtts',
    host: server.host,
    port: server.ready.mqttPort,
    ca: readFileSync(server.caFile),
    clientId: `${deviceId}/${MODULE}`,
    username: `${server.host}/${deviceId}/${MODULE}/?api-version=2021-04-12`,
    password: await tokenOf(deviceId),
    reconnectPeriod: 0,
  })
}

function message(...events: object[]): string {
  const envelope = { AgentVersion: '1.0', AgentId: '6f1f2c3d-1111-4222-8333-444455556666' }
  return JSON.stringify({ ...envelope, MessageSchemaVersion: '2.0', Events: events })
}

function event(name: string, payload: readonly object[], fields: object = {}): object {
  const now = new Date().toISOString()
  return {
    ...{ Id: randomUUID(), Name: name, Category: 'Triggered', EventType: 'Security' },
    ...{ TimestampLocal: now, TimestampUTC: now, IsEmpty: payload.length === 0 },
    ...{ PayloadSchemaVersion: '2.0', Payload: payload, ...fields },
  }
}

interface EventView {
  readonly name: string
  readonly details: Record<string, unknown>
  readonly deviations: readonly string[]
}

/** Waits until as many rows of a name are there. */
function rows(deviceId: string, name: string, count: number): Promise<EventView[]> {
  return until(async () => {
    const path = `/api/security/events?device=${deviceId}&name=${name}&limit=1000`
    const { body } = await server.call('GET', path)
    return body.items.length >= count && body.items
  })
}

test('a binary message of an RTOS device is read by its property mti', async () => {
  const url = new URL('../../../../vectors/security-messages/binary.json', import.meta.url)
  const vectors: { name: string; hex: string }[] = JSON.parse(readFileSync(url, 'utf8'))
  const bytes = (named: string) =>
    Buffer.from(vectors.find(({ name }) => name.startsWith(named))?.hex ?? '', 'hex')
  const client = await connect('pump-1')
  const topic = `devices/pump-1/modules/${MODULE}/messages/events/mti=2.3-1-0-0&${MARK}`
  await client.publishAsync(topic, bytes('network activity over'), { qos: 1 })
  await client.publishAsync(topic, bytes('a payload that this version'), { qos: 1 })
  await client.publishAsync(topic, Buffer.from('{}'), { qos: 1 })
  await client.endAsync()
  const activity = await rows('pump-1', 'NetworkActivity', 3)
  assert.equal(activity.length, 3)
  assert.deepEqual(activity.map(({ details }) => details.remoteAddr).sort(), [
    '192.0.2.7',
    '192.0.2.7',
    'fe80::100:0:0:0',
  ])
  const [unknown] = await rows('pump-1', 'Unknown', 1)
  assert.equal(unknown?.details.payloadType, 9)
  assert.deepEqual(unknown?.deviations, ['unknown-payload', 'time-clamped'])
  const rejected = await server.call('GET', '/api/security/rejected?device=pump-1')
  assert.match(rejected.body.items[0].reason, /no binary security message/)
  const { body } = await server.call('GET', '/api/devices/pump-1/security/ingestion')
  assert.deepEqual(body.unknownPayloads, { 9: 1 })
})

test('custom events come from any SDK, and are judged by the schema of their name', async () => {
  const path = '/api/security/event-schemas/acme.DoorOpened'
  const body = { schema: DOOR, description: 'A door' }
  const put = await server.call('PUT', path, { body })
  assert.equal(put.status, 200, JSON.stringify(put.body))
  assert.equal(put.body.changedBy, 'iothubowner')

  const sdk = ModuleClient.fromConnectionString(
    await server.connectionString('pump-2', MODULE),
    Mqtt,
  )
  await sdk.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  await sdk.open()
  const sent = new Message(message(event('acme.DoorOpened', [{ door: 1 }])))
  sent.setAsSecurityMessage()
  await sdk.sendEvent(sent)
  await sdk.close()

  const client = await connect('pump-2')
  const topic = `devices/pump-2/modules/${MODULE}/messages/events/${MARK}`
  const both = message(
    event('acme.DoorOpened', [{ door: 2, state: 'open' }]),
    event('acme.DoorOpened', [{ door: 0 }]),
    event('acme.Unheard', [{ anything: [1] }]),
  )
  await client.publishAsync(topic, both, { qos: 1 })
  await client.endAsync()

  const status = await postEvents('pump-2', message(event('acme.DoorOpened', [{ door: 3 }])))
  assert.equal(status, 204)

  const stored = await rows('pump-2', 'acme.DoorOpened', 3)
  assert.deepEqual(stored.map(({ details }) => details.door).sort(), [1, 2, 3])
  for (const { deviations } of stored) assert.deepEqual(deviations, [])
  const [unheard] = await rows('pump-2', 'acme.Unheard', 1)
  assert.deepEqual(unheard?.deviations, ['unknown-name'])
  const { body: rejected } = await server.call('GET', '/api/security/rejected?device=pump-2')
  assert.equal(
    rejected.items[0].reason,
    'Events[1].Payload[0].door: expected an integer (minimum 1), got number 0',
  )
})

/** Over HTTPS, with a header for the mark. */
async function postEvents(deviceId: string, body: string): Promise<number | undefined> {
  const token = await tokenOf(deviceId)
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: server.host,
        port: server.ready.httpsPort,
        method: 'POST',
        path: `/devices/${deviceId}/modules/${MODULE}/messages/events?api-version=2021-04-12`,
        ca: readFileSync(server.caFile),
        headers: { authorization: token, 'iothub-interface-id': SECURITY_INTERFACE_ID },
      },
      (response) => {
        response.resume()
        resolve(response.statusCode)
      },
    )
    call.on('error', reject)
    call.end(body)
  })
}

test('schemas of custom events: listed, shown, refused with a reason, forgotten', async () => {
  const path = '/api/security/event-schemas/acme.Temporary'
  const bad = await server.call('PUT', path, {
    body: { schema: { type: 'object', properties: { a: { type: 'string', pattern: '(a+)+' } } } },
  })
  assert.equal(bad.status, 400)
  assert.match(JSON.stringify(bad.body), /schema\.properties\.a\.pattern: not a keyword/)
  const shadow = await server.call('PUT', '/api/security/event-schemas/ProcessCreate', {
    body: { schema: DOOR },
  })
  assert.equal(shadow.status, 400)
  assert.equal((await server.call('PUT', path, { body: { schema: DOOR } })).status, 200)
  const { body: list } = await server.call('GET', '/api/security/event-schemas')
  assert.ok(list.items.some(({ name }: { name: string }) => name === 'acme.Temporary'))
  assert.deepEqual((await server.call('GET', path)).body.schema, DOOR)
  assert.equal((await server.call('DELETE', path)).status, 204)
  assert.equal((await server.call('GET', path)).status, 404)
  assert.equal((await server.call('DELETE', path)).status, 404)
})

test('a message that is sent again counts once; what is over the limit is declared and counted', async () => {
  const client = await connect('pump-3')
  const topic = `devices/pump-3/modules/${MODULE}/messages/events/${MARK}`
  const same = message(event('Process', [{ pid: 1 }]), event('Process', [{ pid: 2 }]))
  for (let time = 0; time < 3; time++) {
    await client.publishAsync(topic, same, { qos: 1, dup: time > 0 })
  }
  const many = Array.from({ length: 99 }, (_, pid) => ({ pid }))
  const about = { EventType: 'Operational', Category: 'Periodic' }
  await client.publishAsync(
    topic,
    message(
      event('Process', many),
      event('Statistics', [{ collector: 'Process', dropped: 5 }], about),
    ),
    { qos: 1 },
  )
  await client.endAsync()
  await rows('pump-3', 'Statistics', 1)
  assert.equal((await rows('pump-3', 'Process', 2)).length, 2)
  const { body } = await server.call('GET', '/api/devices/pump-3/security/ingestion')
  assert.deepEqual(
    [body.events, body.repeatedEvents, body.lostEvents, body.lostRows],
    [3, 4, 1, 99],
  )
  assert.equal(body.lossesByHour.length, 1)
  const { body: rejected } = await server.call('GET', '/api/security/rejected?device=pump-3')
  assert.match(rejected.items[0].reason, /not kept in the hour .*more than 100 rows in an hour/)
})

test('nothing came yet, or no such device: ingestion says which', async () => {
  const { body } = await server.call('GET', '/api/devices/pump-4/security/ingestion')
  assert.deepEqual([body.deviceId, body.events, body.lossesByHour], ['pump-4', 0, []])
  const nobody = await server.call('GET', '/api/devices/nobody/security/ingestion')
  assert.equal(nobody.status, 404)
})

test('security messages of a device itself are refused unless the operator allows them', async () => {
  await using allowing = await startTestServer({ acceptDeviceSecurityMessages: true })
  for (const { call, host, ready, caFile, isAllowed } of [
    { ...server, isAllowed: false },
    { ...allowing, isAllowed: true },
  ]) {
    await call('PUT', '/devices/own-1', { body: { deviceId: 'own-1' } })
    const { body } = await call('GET', '/devices/own-1')
    const client = await mqtt.connectAsync({
      protocol: 'mqtts',
      host,
      port: ready.mqttPort,
      ca: readFileSync(caFile),
      clientId: 'own-1',
      username: `${host}/own-1/?api-version=2021-04-12`,
      password: identityToken(`${host}/devices/own-1`, body),
      reconnectPeriod: 0,
    })
    const text = message(event('Process', [{ pid: 1 }]))
    await client.publishAsync(`devices/own-1/messages/events/${MARK}`, text, { qos: 1 })
    await client.endAsync()
    const list = isAllowed ? 'events' : 'rejected'
    const [item] = await until(async () => {
      const answer = await call('GET', `/api/security/${list}?device=own-1`)
      return answer.body.items.length > 0 && answer.body.items
    })
    assert.equal(item.moduleId, undefined)
    if (!isAllowed) assert.match(item.reason, /acceptDeviceSecurityMessages/)
  }
})
