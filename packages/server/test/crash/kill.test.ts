import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SECURITY_INTERFACE_ID } from '@twinward/protocol'
import mqtt, { type MqttClient } from 'mqtt'
import { type ReadyInfo, readPolicies } from '../../src/data-dir.ts'
import { startProcess } from '../process.ts'
import { type CallApi, identityToken, until } from '../server.ts'
import { readTelemetry, sendTelemetry } from './amqp-telemetry.ts'

/** How often the server is killed. */
const ROUNDS = Number(process.env.TWINWARD_CRASH_ROUNDS ?? 50)
const DEVICES = 8
/** Patches a device has under way at once. */
const IN_FLIGHT = 8
const MAX_LOAD_MS = 400
/** Fewer than the queue of a device holds. */
const MAX_CLOUD_MESSAGES = 40
const MODULE = 'azureiotsecurity'
const READ_DEADLINE_MS = 30_000

/** What the server acknowledged for one device, over all rounds. */
interface Acknowledged {
  readonly deviceId: string
  patch: number
  readonly eventIds: string[]
  /** Telemetry over AMQP, by the id in its body. */
  readonly telemetryIds: string[]
  /** Cloud-to-device messages since the last look. */
  cloudMessages: number
}

test(`kill -9 under load, ${ROUNDS} times: everything acknowledged is there, once`, async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'twinward-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const devices: Acknowledged[] = Array.from({ length: DEVICES }, (_, index) => ({
    deviceId: `pump-${index}`,
    patch: 0,
    eventIds: [],
    telemetryIds: [],
    cloudMessages: 0,
  }))
  let cloudMessages = 0
  let sent = 0
  for (let round = 0; round <= ROUNDS; round++) {
    const { child, ready, call, exited } = await startProcess(dataDir)
    if (round === 0) for (const { deviceId } of devices) await create(call, deviceId)
    else {
      await checkPatches(call, devices)
      cloudMessages += await checkCloudMessages(call, devices)
    }
    if (round === ROUNDS) {
      await checkEvents(call, devices)
      await checkTelemetry(ready, { dataDir, devices })
      child.kill('SIGTERM')
      await exited
      break
    }
    const clients = await Promise.all(devices.map((device) => load(device, { ready, call })))
    const senders = await Promise.all(
      devices.map(({ deviceId, telemetryIds }) =>
        sendTelemetry(deviceId, { ready, call }, (id) => telemetryIds.push(id)),
      ),
    )
    await new Promise((resolve) => setTimeout(resolve, randomInt(20, MAX_LOAD_MS)))
    child.kill('SIGKILL')
    await exited
    sent += clients.length
    for (const client of clients) client.end(true)
    for (const sender of senders) sender.close()
  }
  const patches = devices.reduce((sum, { patch }) => sum + patch, 0)
  const events = devices.reduce((sum, { eventIds }) => sum + eventIds.length, 0)
  const telemetry = devices.reduce((sum, { telemetryIds }) => sum + telemetryIds.length, 0)
  t.diagnostic(
    `${sent} sessions killed, ${patches} patches, ${events} events, ${telemetry} messages over AMQP, ` +
      `${cloudMessages} cloud messages acknowledged`,
  )
  assert.ok(telemetry > ROUNDS * DEVICES, 'the load was a load over AMQP too')
  assert.ok(patches > ROUNDS * DEVICES, 'the load was a load')
})

async function create(call: CallApi, deviceId: string): Promise<void> {
  const { status } = await call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
  assert.equal(status, 200)
}

/** Connects as the security module; patches and sends until the connection breaks. */
async function load(
  device: Acknowledged,
  { ready, call }: { ready: ReadyInfo; call: CallApi },
): Promise<MqttClient> {
  const { deviceId } = device
  const { body } = await call('GET', `/devices/${deviceId}/modules/${MODULE}`)
  const client = mqtt.connect({
    protocol: 'mqtts',
    host: '127.0.0.1',
    port: ready.mqttPort,
    ca: readFileSync(ready.caFile),
    clientId: `${deviceId}/${MODULE}`,
    username: `localhost/${deviceId}/${MODULE}/?api-version=2021-04-12`,
    password: identityToken(`localhost/devices/${deviceId}/modules/${MODULE}`, body),
    reconnectPeriod: 0,
  })
  client.on('error', () => {})
  await new Promise((resolve) => client.once('connect', resolve))
  let next = device.patch + 1
  const patch = () => {
    const number = next++
    const topic = `$iothub/twin/PATCH/properties/reported/?$rid=${number}`
    client.publish(topic, JSON.stringify({ number }), { qos: 1 }, (error) => {
      if (error) return
      device.patch = Math.max(device.patch, number)
      patch()
    })
  }
  const send = () => {
    const eventId = randomUUID()
    client.publish(securityTopic(deviceId), securityMessage(eventId), { qos: 1 }, (error) => {
      if (error) return
      device.eventIds.push(eventId)
      send()
    })
  }
  for (let index = 0; index < IN_FLIGHT; index++) patch()
  send()
  void sendCloudMessages(device, call)
  return client
}

function securityTopic(deviceId: string): string {
  const mark = `%24.ifid=${encodeURIComponent(SECURITY_INTERFACE_ID)}`
  return `devices/${deviceId}/modules/${MODULE}/messages/events/${mark}`
}

function securityMessage(eventId: string): string {
  const now = new Date().toISOString()
  return JSON.stringify({
    AgentVersion: '0.0.6',
    AgentId: randomUUID(),
    MessageSchemaVersion: '1.0',
    Events: [
      {
        Id: eventId,
        EventType: 'Security',
        Category: 'Triggered',
        Name: 'ProcessCreate',
        PayloadSchemaVersion: '1.0',
        TimestampLocal: now,
        TimestampUTC: now,
        IsEmpty: false,
        Payload: [
          {
            Executable: '/bin/ls',
            ProcessId: 1,
            ParentProcessId: 1,
            UserId: '0',
            CommandLine: 'ls',
          },
        ],
      },
    ],
  })
}

async function checkPatches(call: CallApi, devices: readonly Acknowledged[]): Promise<void> {
  for (const { deviceId, patch } of devices) {
    const { body } = await call('GET', `/twins/${deviceId}/modules/${MODULE}`)
    const held = body.properties.reported.number ?? 0
    assert.ok(held >= patch, `${deviceId}: patch ${patch} was acknowledged, the twin holds ${held}`)
  }
}

/** Ends with the server. */
async function sendCloudMessages(device: Acknowledged, call: CallApi): Promise<void> {
  const path = `/api/devices/${device.deviceId}/messages/deviceBound`
  try {
    while (device.cloudMessages < MAX_CLOUD_MESSAGES) {
      const { status } = await call('POST', path, { body: { body: 'x', ack: 'full' } })
      assert.equal(status, 201)
      device.cloudMessages++
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error
  }
}

/** Purges what waits. @returns how many were acknowledged */
async function checkCloudMessages(
  call: CallApi,
  devices: readonly Acknowledged[],
): Promise<number> {
  let acknowledged = 0
  for (const device of devices) {
    const { body } = await call('DELETE', `/devices/${device.deviceId}/commands`)
    const more = body.totalMessagesPurged - device.cloudMessages
    // One may have been stored whose answer was lost.
    assert.ok(more === 0 || more === 1, `${device.deviceId}: ${more} more than were acknowledged`)
    acknowledged += device.cloudMessages
    device.cloudMessages = 0
  }
  return acknowledged
}

async function checkEvents(call: CallApi, devices: readonly Acknowledged[]): Promise<void> {
  for (const { deviceId, eventIds } of devices) {
    const stored = await until(async () => {
      const ids = await storedEventIds(call, deviceId)
      const held = new Set(ids)
      return eventIds.every((id) => held.has(id)) && ids
    })
    assert.equal(new Set(stored).size, stored.length, `${deviceId}: an event is stored twice`)
  }
}

/** Reads it as a back end does: each message once, whatever was stored without an answer. */
async function checkTelemetry(
  ready: ReadyInfo,
  { dataDir, devices }: { dataDir: string; devices: readonly Acknowledged[] },
): Promise<void> {
  const missing = new Set(devices.flatMap(({ telemetryIds }) => telemetryIds))
  const seen = new Set<string>()
  const policy = readPolicies(dataDir).find(({ name }) => name === 'service')
  assert.ok(policy)
  const reading = readTelemetry(
    ready,
    { name: policy.name, key: policy.primaryKey },
    {
      read(id) {
        assert.ok(!seen.has(id), `${id} is stored twice`)
        seen.add(id)
        missing.delete(id)
      },
      isDone: () => missing.size === 0,
    },
  )
  const timeout = AbortSignal.timeout(READ_DEADLINE_MS)
  const tooLate = once(timeout, 'abort').then(() => {
    assert.fail(`${missing.size} messages that were accepted over AMQP are not there`)
  })
  await Promise.race([reading, tooLate])
}

async function storedEventIds(call: CallApi, deviceId: string): Promise<readonly string[]> {
  const ids: string[] = []
  let token = ''
  do {
    const page = await call(
      'GET',
      `/api/security/events?device=${deviceId}&limit=1000${token && `&continuationToken=${encodeURIComponent(token)}`}`,
    )
    assert.equal(page.status, 200)
    for (const { eventId } of page.body.items) ids.push(eventId)
    token = page.body.continuationToken ?? ''
  } while (token !== '')
  return ids
}
