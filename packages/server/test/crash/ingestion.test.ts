import assert from 'node:assert/strict'
import { randomInt, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SECURITY_INTERFACE_ID } from '@twinward/protocol'
import mqtt, { type MqttClient } from 'mqtt'
import type { ReadyInfo } from '../../src/data-dir.ts'
import { startProcess } from '../process.ts'
import { type CallApi, identityToken, until } from '../server.ts'

/** How often the server is killed. */
const ROUNDS = Number(process.env.TWINWARD_CRASH_ROUNDS ?? 8)
const DEVICES = 4
const EVENTS_PER_MESSAGE = 20
/** Messages of a device that are on their way at once. */
const IN_FLIGHT = 4
const MAX_LOAD_MS = 1_500
const MODULE = 'azureiotsecurity'

// The limits of a device are not what this is about.
process.env.TWINWARD_DEVICE_DAILY_SECURITY_MIB = '100000'
process.env.TWINWARD_DEVICE_HOURLY_SECURITY_ROWS = '100000000'

interface Agent {
  readonly deviceId: string
  /** Messages that were not acknowledged: an agent keeps them and sends them again. */
  readonly outbox: { readonly body: string; readonly ids: readonly string[] }[]
  readonly sent: Set<string>
}

test(`kill -9 in ingestion, ${ROUNDS} times: no event is lost, stored or counted twice`, async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'twinward-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
  const agents: readonly Agent[] = Array.from({ length: DEVICES }, (_, index) => {
    return { deviceId: `pump-${index}`, outbox: [], sent: new Set<string>() }
  })
  for (let round = 0; round <= ROUNDS; round++) {
    const { child, ready, call, exited } = await startProcess(dataDir)
    for (const { deviceId } of agents) {
      if (round > 0) break
      await call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
    }
    const loads = await Promise.all(agents.map((agent) => load(agent, { ready, call })))
    if (round === ROUNDS) {
      await Promise.all(loads.map(({ finish }) => finish()))
      await check(call, agents)
      child.kill('SIGTERM')
      await exited
      break
    }
    await new Promise((resolve) => setTimeout(resolve, randomInt(20, MAX_LOAD_MS)))
    child.kill('SIGKILL')
    await exited
    for (const { client } of loads) client.end(true)
  }
  const events = agents.reduce((sum, { sent }) => sum + sent.size, 0)
  t.diagnostic(`${events} events of ${DEVICES} agents`)
  assert.ok(events > ROUNDS * EVENTS_PER_MESSAGE, 'the load was a load')
})

/** Sends what is in the outbox first, as an agent does, then new messages until the connection breaks. */
async function load(
  agent: Agent,
  { ready, call }: { ready: ReadyInfo; call: CallApi },
): Promise<{ client: MqttClient; finish: () => Promise<void> }> {
  const { deviceId, outbox } = agent
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
  let isFinishing = false
  const waiting = outbox.slice()
  const under = new Set<Promise<void>>()
  const sendNext = () => {
    let next = waiting.shift()
    if (next === undefined) {
      if (isFinishing) return
      next = newMessage()
      for (const id of next.ids) agent.sent.add(id)
      outbox.push(next)
    }
    const message = next
    const publishing = new Promise<void>((resolve) => {
      client.publish(topic(deviceId), message.body, { qos: 1 }, (error) => {
        if (!error) {
          outbox.splice(outbox.indexOf(message), 1)
          sendNext()
        }
        resolve()
      })
    })
    under.add(publishing)
    void publishing.then(() => under.delete(publishing))
  }
  for (let index = 0; index < IN_FLIGHT; index++) sendNext()
  const finish = async () => {
    isFinishing = true
    while (under.size > 0) await Promise.all(under)
    assert.equal(outbox.length, 0)
    await client.endAsync()
  }
  return { client, finish }
}

function topic(deviceId: string): string {
  const mark = `%24.ifid=${encodeURIComponent(SECURITY_INTERFACE_ID)}`
  return `devices/${deviceId}/modules/${MODULE}/messages/events/${mark}`
}

/** One of its events raises an alert, whose count says how often it was evaluated. */
function newMessage(): { body: string; ids: readonly string[] } {
  const now = new Date().toISOString()
  const ids = Array.from({ length: EVENTS_PER_MESSAGE }, () => randomUUID())
  const events = ids.map((Id, index) => ({
    ...{ Id, Name: 'ProcessCreate', EventType: 'Security', Category: 'Triggered' },
    ...{ PayloadSchemaVersion: '1.0', TimestampLocal: now, TimestampUTC: now, IsEmpty: false },
    Payload: [
      {
        ...{ Executable: '/bin/sh', ProcessId: index, ParentProcessId: 1, UserId: '0' },
        CommandLine: index === 0 ? 'history -c' : `ls /tmp/${index}`,
      },
    ],
  }))
  const envelope = { AgentVersion: '0.0.6', AgentId: 'e8a3d9c1-6b54-4a0f-9a53-0c1c3e1f77aa' }
  return { ids, body: JSON.stringify({ ...envelope, MessageSchemaVersion: '1.0', Events: events }) }
}

async function check(call: CallApi, agents: readonly Agent[]): Promise<void> {
  for (const { deviceId, sent } of agents) {
    const stored = await until(async () => {
      const ids = await storedIds(call, deviceId)
      return ids.length >= sent.size && ids
    })
    assert.equal(new Set(stored).size, stored.length, `${deviceId}: an event is stored twice`)
    assert.deepEqual(new Set(stored), sent)
    const { body } = await call('GET', `/api/devices/${deviceId}/security/ingestion`)
    assert.equal(body.events, sent.size, `${deviceId}: events that were counted`)
    const alerts = await call('GET', `/api/security/alerts?device=${deviceId}&limit=100`)
    const count = alerts.body.items.reduce(
      (sum: number, one: { count: number }) => sum + one.count,
      0,
    )
    assert.equal(count, sent.size / EVENTS_PER_MESSAGE, `${deviceId}: events that were evaluated`)
  }
}

async function storedIds(call: CallApi, deviceId: string): Promise<readonly string[]> {
  const ids: string[] = []
  let token = ''
  do {
    const continued = token && `&continuationToken=${encodeURIComponent(token)}`
    const page = await call('GET', `/api/security/events?device=${deviceId}&limit=1000${continued}`)
    assert.equal(page.status, 200)
    for (const { eventId } of page.body.items) ids.push(eventId)
    token = page.body.continuationToken ?? ''
  } while (token !== '')
  return ids
}
