import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import device from 'azure-iot-device'
import mqttTransport from 'azure-iot-device-mqtt'
import { startTestServer, type TestServer, until } from '../server.ts'

// From an agent's event, by the device SDK, to what becomes of its alert in the API: suppressions,
// changes of many alerts, alerts by type and day, and why an event did or did not raise one.

const { Message, ModuleClient } = device
const { Mqtt } = mqttTransport
const MODULE = 'azureiotsecurity'

let server: TestServer
let agent: InstanceType<typeof ModuleClient>
before(async () => {
  server = await startTestServer()
  await server.call('PUT', '/devices/pump-1', { body: { deviceId: 'pump-1' } })
  const connectionString = await server.connectionString('pump-1', MODULE)
  agent = ModuleClient.fromConnectionString(connectionString, Mqtt)
  await agent.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  await agent.open()
})
after(async () => {
  await agent.close()
  await server[Symbol.asyncDispose]()
})

/** Runs commands on the device, as far as its agent tells; returns the ids of the events. */
async function run(...commands: readonly string[]): Promise<readonly string[]> {
  const now = new Date().toISOString()
  const process = { Executable: '/bin/sh', ProcessId: 1, ParentProcessId: 1, UserId: '0' }
  const events = commands.map((CommandLine) => ({
    ...{ Id: randomUUID(), Name: 'ProcessCreate', Category: 'Triggered', EventType: 'Security' },
    ...{ PayloadSchemaVersion: '1.0', TimestampLocal: now, TimestampUTC: now, IsEmpty: false },
    Payload: [{ ...process, CommandLine }],
  }))
  const envelope = { AgentVersion: '0.0.6', AgentId: randomUUID(), MessageSchemaVersion: '1.0' }
  const message = new Message(JSON.stringify({ ...envelope, Events: events }))
  message.setAsSecurityMessage()
  await agent.sendEvent(message)
  return events.map(({ Id }) => Id)
}

interface View {
  readonly id: string
  readonly status: string
  readonly count: number
  readonly history: readonly { readonly status: string; readonly by: string }[]
}

async function alerts(query: string): Promise<readonly View[]> {
  const { body } = await server.call('GET', `/api/security/alerts?device=pump-1&${query}`)
  return body.items
}

async function explain(event: string, type: string) {
  const path = `/api/security/explain?device=pump-1&event=${event}&type=${type}`
  const { status, body } = await server.call('GET', path)
  return status === 200 ? body.rules[0] : undefined
}

test('an alert is told with its author, its links, and why its event fired', async () => {
  const [event = '', quiet = ''] = await run('history -c', 'rm -r /home')
  const [alert] = await until(async () => {
    const found = await alerts('type=IoT_ClearHistoryFile')
    return found.length > 0 && found
  })
  assert.ok(alert)
  const { body } = await server.call('GET', `/api/security/alerts/${alert.id}`)
  assert.deepEqual([body.compromisedEntity, body.vendorName, body.tags], ['pump-1', 'Twinward', []])
  for (const { href } of body.extendedLinks) {
    assert.equal((await server.call('GET', href)).status, 200, href)
  }
  const raised = await explain(event, 'IoT_ClearHistoryFile')
  assert.deepEqual([raised.outcome, raised.alertId], ['raised', alert.id])
  const notFired = await explain(quiet, 'IoT_FairwareMalware')
  assert.deepEqual([notFired.outcome, notFired.condition], ['quiet', 'rm deletes by force'])
  assert.equal(await explain(randomUUID(), 'IoT_WebShell'), undefined)
  assert.equal((await server.call('GET', '/api/security/explain?event=x')).status, 400)
})

test('a suppression is tried, made from the open alerts, holds back, and is deleted', async () => {
  const match = [{ name: 'CommandLine', operator: 'startsWith', value: 'iptables' }]
  const content = { alertType: 'IoT_DisableFirewall', match, expiresUtc: 'never', reason: 'ours' }
  await run('iptables -F')
  await until(async () => (await alerts('type=IoT_DisableFirewall&status=Active')).length === 1)
  const path = '/api/security/suppressions'
  const tested = await server.call('POST', `${path}/test`, { body: content })
  assert.deepEqual([tested.body.matched, tested.body.isComplete], [1, true])
  const wrong = await server.call('POST', path, { body: { ...content, expiresUtc: '2020-01-01' } })
  assert.equal(wrong.status, 400)
  assert.match(JSON.stringify(wrong.body), /expiresUtc is 2020-01-01, which is over/)

  const created = await server.call('POST', path, { body: { ...content, applyToOpen: true } })
  assert.equal(created.status, 201, JSON.stringify(created.body))
  assert.deepEqual(created.body.open, { dismissed: 1, isComplete: true })
  const { id } = created.body
  const [event = ''] = await run('iptables -F OUTPUT')
  const held = await until(async () => {
    const { body } = await server.call('GET', `${path}/${id}`)
    return body.suppressedCount === 1 && body
  })
  assert.deepEqual([held.author, held.lastSuppressedDeviceId], ['iothubowner', 'pump-1'])
  const answer = await explain(event, 'IoT_DisableFirewall')
  assert.deepEqual([answer.outcome, answer.suppressionId], ['suppressed', id])
  const { body: rules } = await server.call('GET', '/api/security/rules')
  const rule = rules.items.find(
    (each: { alertType: string }) => each.alertType === content.alertType,
  )
  assert.deepEqual(rule.heldBack, { suppressed: 1 })

  const replaced = { ...content, isEnabled: false }
  const { body: off } = await server.call('PUT', `${path}/${id}`, { body: replaced })
  assert.deepEqual([off.isInForce, off.suppressedCount], [false, 1])
  assert.equal((await server.call('DELETE', `${path}/${id}`)).status, 204)
  assert.equal((await server.call('GET', `${path}/${id}`)).status, 404)
  assert.deepEqual((await server.call('GET', path)).body.items, [])
})

test('many alerts are counted, changed once each, and dismissed by type and day', async () => {
  await run(...['a', 'b', 'c'].map((name) => `docker run --privileged image-${name}`))
  const type = 'IoT_PrivilegedContainer'
  await until(async () => (await alerts(`type=${type}`)).length === 3)
  const bulk = async (body: object) =>
    (await server.call('POST', '/api/security/alerts/bulk', { body })).body
  const change = { status: 'InProgress', note: 'looking' }
  const dry = await bulk({ filter: { type }, change, dryRun: true })
  assert.deepEqual([dry.matched, dry.changed], [3, 0])
  const first = await bulk({ filter: { type, status: 'Active' }, change, limit: 2 })
  assert.deepEqual([first.changed, typeof first.continuationToken], [2, 'string'])
  const { continuationToken } = first
  const second = await bulk({ filter: { type, status: 'Active' }, change, continuationToken })
  assert.deepEqual([second.changed, second.continuationToken], [1, null])
  for (const { history } of await alerts(`type=${type}`)) {
    assert.deepEqual(
      history.map(({ status, by }) => [status, by]),
      [
        ['Active', 'engine'],
        ['InProgress', 'iothubowner'],
      ],
    )
  }
  const { body: list } = await server.call('GET', '/api/security/alerts/aggregated')
  const record = list.items.find((each: { alertType: string }) => each.alertType === type)
  assert.deepEqual([record.count, record.byStatus.InProgress, record.isNew], [3, 3, true])
  const path = `/api/security/alerts/aggregated/${record.name}`
  const { body: whole } = await server.call('GET', path)
  assert.deepEqual(
    whole.devices.map(({ deviceId, alerts }: { deviceId: string; alerts: number }) => [
      deviceId,
      alerts,
    ]),
    [['pump-1', 3]],
  )
  const dismissed = await server.call('POST', `${path}/dismiss`, { body: { note: 'a drill' } })
  assert.deepEqual(dismissed.body, { dismissed: 3, isComplete: true })
  assert.equal((await server.call('GET', path)).body.actionTaken, 'Dismissed')
  const none = await bulk({ ids: ['nothing'], change })
  assert.deepEqual(none.refused, [{ id: 'nothing', reason: 'There is no such alert.' }])
})
