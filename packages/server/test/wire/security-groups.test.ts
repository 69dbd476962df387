import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { SECURITY_INTERFACE_ID } from '@twinward/protocol'
import device from 'azure-iot-device'
import mqttTransport from 'azure-iot-device-mqtt'
import { agentEvent, envelope, processCreate } from '../agents/events.ts'
import { alertsOf, eventsOf, securityOf } from '../agents/lookup.ts'
import { startTestServer, type TestServer, until } from '../server.ts'

// Security groups through a whole server (security 04 §6): tagged devices, the unmodified device SDK
// as their security module, and the API that operators use.

const { Message, ModuleClient } = device
const { Mqtt } = mqttTransport
const MODULE = 'azureiotsecurity'
const AGENT_ID = 'd1a1a1a1-1111-4222-8333-444455556666'
const GROUPS = '/api/security/groups'

let server: TestServer
before(async () => {
  server = await startTestServer()
})
after(() => server[Symbol.asyncDispose]())

async function addDevice(deviceId: string, tags: object = {}): Promise<void> {
  await server.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
  await server.call('PATCH', `/twins/${deviceId}`, { body: { tags } })
}

/** Sends one legacy message as the security module of a device. */
async function send(deviceId: string, ...events: Parameters<typeof agentEvent>[0][]) {
  const client = ModuleClient.fromConnectionString(
    await server.connectionString(deviceId, MODULE),
    Mqtt,
  )
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  await client.open()
  const message = new Message(envelope('0.0.6', AGENT_ID, events.map(agentEvent)))
  // The SDK has no setter for the mark that security agents put on their messages.
  Object.assign(message, { interfaceId: SECURITY_INTERFACE_ID })
  message.properties.add('iothub-interface-id', SECURITY_INTERFACE_ID)
  await client.sendEvent(message)
  await client.close()
}

const started = (exe: string) => ({
  name: 'ProcessCreate',
  payload: [{ ...processCreate(`${exe} -x`), Executable: exe }],
})

function allow(ruleType: string, ...allowlistValues: string[]) {
  return { ruleType, isEnabled: true, allowlistValues }
}

test('a device tagged into a group: a process that is not allowed raises IoT_CA_ProcessNotAllowed', async () => {
  await addDevice('g-1', { SecurityGroup: 'Plant' })
  await addDevice('g-2')
  const body = {
    properties: { allowlistRules: [allow('ProcessNotAllowed', 'sshd', '/usr/bin/app')] },
  }
  const { status, headers } = await server.call('PUT', `${GROUPS}/PLANT`, { body })
  assert.equal(status, 201)
  assert.match(String(headers.etag), /^".+"$/)
  await send('g-2', started('/opt/strange'))
  await send('g-1', started('/usr/sbin/sshd'), started('/opt/strange'), started('/opt/strange'))
  const [alert] = await alertsOf(server, 'g-1', 1)
  assert.equal(alert.alertType, 'IoT_CA_ProcessNotAllowed')
  assert.equal(alert.severity, 'Low')
  assert.equal(alert.extendedProperties.Executable, '/opt/strange')
  assert.equal(alert.count, 2)
  await eventsOf(server, 'g-2', 1)
  assert.deepEqual((await alertsOf(server, 'g-2', 0)).length, 0)
  const view = await securityOf(server, 'g-1')
  assert.equal(view.securityGroup, 'plant')
  const source = { from: 'device', tag: 'SecurityGroup', isDefined: true }
  assert.deepEqual(view.securityGroupSource, source)
})

test('a device that changes its group is judged by the new one with its next message', async () => {
  await addDevice('g-3', { SecurityGroup: 'here' })
  const rules = { allowlistRules: [allow('ProcessNotAllowed', 'sshd')] }
  await server.call('PUT', `${GROUPS}/there`, { body: rules })
  await send('g-3', started('/opt/first'))
  await eventsOf(server, 'g-3', 1)
  await server.call('PATCH', '/twins/g-3', { body: { tags: { SecurityGroup: 'There' } } })
  await send('g-3', started('/opt/second'))
  const [alert, ...others] = await alertsOf(server, 'g-3', 1)
  assert.equal(alert.extendedProperties.Executable, '/opt/second')
  assert.deepEqual(others, [])
})

test('a tag of the security module counts where the device has none', async () => {
  await addDevice('g-4')
  await until(async () => {
    const path = `/twins/g-4/modules/${MODULE}`
    const { status } = await server.call('PATCH', path, {
      body: { tags: { securityGroup: 'Inner' } },
    })
    return status === 200
  })
  const { body } = await server.call('GET', `${GROUPS}/inner/devices`)
  const member = { deviceId: 'g-4', from: 'module', tag: 'securityGroup' }
  assert.deepEqual(body, { items: [member], continuationToken: null, isDefined: false })
})

test('groups: created, listed, conditionally changed, removed', async () => {
  const created = await server.call('POST', GROUPS, { body: { name: 'Yard' } })
  assert.equal(created.status, 201)
  assert.equal(created.body.name, 'yard')
  assert.equal(created.body.timeWindowRules.length, 16)
  assert.equal(created.body.allowlistRules[0].valueType, 'IpCidr')
  assert.equal((await server.call('POST', GROUPS, { body: { name: 'yard' } })).status, 409)
  const url = `${GROUPS}/Yard`
  const stale = { body: {}, headers: { 'if-match': '"other"' } }
  assert.equal((await server.call('PUT', url, stale)).status, 412)
  const fresh = { body: created.body, headers: { 'if-match': String(created.headers.etag) } }
  const changed = await server.call('PUT', url, fresh)
  assert.equal(changed.status, 200)
  assert.equal(changed.body.version, 2)
  const names = (await server.call('GET', GROUPS)).body.items.map(
    ({ name }: { name: string }) => name,
  )
  assert.ok(names.includes('yard'))
  assert.equal((await server.call('DELETE', url)).status, 204)
  assert.equal((await server.call('GET', url)).status, 404)
  assert.equal((await server.call('DELETE', url)).status, 404)
})

test('a group with mistakes is refused with all of them and their paths', async () => {
  const body = {
    timeWindowRules: [
      { ruleType: 'MqttD2CMesagesNotInAllowedRange', isEnabled: true },
      {
        ...{ ruleType: 'MqttD2CMessagesNotInAllowedRange', minThreshold: 5, maxThreshold: 1 },
        timeWindowSize: 'PT30S',
      },
    ],
    allowlistRules: [allow('ConnectionToIpNotAllowed', '10.0.0.0/33')],
    settings: { updateWindows: [{ days: ['Monday', 'Noday'], start: '25:00', duration: 'PT2H' }] },
  }
  const { status, body: answer } = await server.call('PUT', `${GROUPS}/bad`, { body })
  assert.equal(status, 400)
  for (const part of [
    'timeWindowRules[0].ruleType',
    'did you mean MqttD2CMessagesNotInAllowedRange?',
    'timeWindowRules[1].minThreshold: the minimum 5 is above the maximum 1',
    'timeWindowRules[1].timeWindowSize: "PT30S" is not within PT1M to P1D',
    'allowlistRules[0].allowlistValues[0]: "10.0.0.0/33"',
    'settings.updateWindows[0].days[1]: "Noday"',
    'settings.updateWindows[0].start: "25:00"',
  ]) {
    assert.ok(JSON.stringify(answer).includes(JSON.stringify(part).slice(1, -1)), part)
  }
  assert.equal((await server.call('GET', `${GROUPS}/bad`)).status, 404)
})

test('a dry run counts what a draft would have found in stored events, and raises nothing', async () => {
  await addDevice('g-5', { SecurityGroup: 'draft' })
  await send('g-5', started('/usr/sbin/sshd'), started('/opt/a'), started('/opt/a'))
  await eventsOf(server, 'g-5', 3)
  const rules = { allowlistRules: [allow('ProcessNotAllowed', 'sshd')] }
  const body = { days: 1, rules }
  const { body: outcome } = await server.call('POST', `${GROUPS}/draft/dry-run`, { body })
  assert.equal(outcome.isComplete, true)
  assert.equal(outcome.events, 3)
  assert.equal(outcome.devices, 1)
  const [rule] = outcome.rules
  assert.equal(rule.alertType, 'IoT_CA_ProcessNotAllowed')
  assert.equal(rule.fired, 2)
  assert.deepEqual(rule.values, [{ value: '/opt/a', count: 2 }])
  assert.deepEqual([rule.places.length, rule.places[0].deviceId], [2, 'g-5'])
  assert.equal((await server.call('POST', `${GROUPS}/draft/dry-run`)).status, 404)
  assert.equal((await alertsOf(server, 'g-5', 0)).length, 0)
})
