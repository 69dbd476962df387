import assert from 'node:assert/strict'
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { after, before, test } from 'node:test'
import { SECURITY_INTERFACE_ID } from '@twinward/protocol'
import device from 'azure-iot-device'
import mqttTransport from 'azure-iot-device-mqtt'
import { startTestServer, type TestServer, until } from '../server.ts'

const { Message, ModuleClient } = device
const { Mqtt } = mqttTransport
const MODULE = 'azureiotsecurity'

let server: TestServer
before(async () => {
  server = await startTestServer()
  for (const deviceId of ['pump-1', 'pump-2']) {
    await server.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
  }
})
after(() => server[Symbol.asyncDispose]())

/** Sends a security message as the agents do: Microsoft's module client, MQTT. */
async function send(deviceId: string, body: object): Promise<void> {
  const connectionString = await server.connectionString(deviceId, MODULE)
  const client = ModuleClient.fromConnectionString(connectionString, Mqtt)
  await client.setOptions({ ca: readFileSync(server.caFile, 'utf8') })
  await client.open()
  const message = new Message(JSON.stringify(body))
  message.interfaceId = SECURITY_INTERFACE_ID
  await client.sendEvent(message)
  await client.close()
}

function legacyBaseline(checks: readonly (readonly [id: string, severity: string])[]): object {
  const now = new Date().toISOString()
  return {
    ...{ AgentVersion: '0.0.6', AgentId: randomUUID(), MessageSchemaVersion: '1.0' },
    Events: [
      {
        ...{ EventType: 'Security', Category: 'Periodic', Name: 'OSBaseline' },
        ...{ IsEmpty: checks.length === 0, PayloadSchemaVersion: '1.0', Id: randomUUID() },
        ...{ TimestampLocal: now, TimestampUTC: now },
        Payload: checks.map(([CceId, Severity]) => ({
          ...{ CceId, Severity, Description: `about ${CceId}`, Result: 'FAIL', Error: '' },
        })),
      },
    ],
  }
}

async function baselineOf(deviceId: string) {
  const { body } = await server.call('GET', `/api/security/baseline?device=${deviceId}`)
  return body
}

test('a baseline of a legacy agent becomes counts, failures of the fleet, a score and its reasons', async () => {
  await send(
    'pump-1',
    legacyBaseline([
      ['CCE-14027-7', 'Warning'],
      ['CCE-3522-0', 'Important'],
    ]),
  )
  const first = await until(async () => {
    const body = await baselineOf('pump-1')
    return body.items.length === 2 && body
  })
  assert.deepEqual(first.benchmarks[0].counts.fail, 2)
  assert.equal(first.benchmarks[0].benchmark, 'oms-linux-1')
  await send('pump-1', legacyBaseline([['CCE-3522-0', 'Important']]))
  await until(async () => (await baselineOf('pump-1')).benchmarks[0].counts.fail === 1)
  const { items } = await baselineOf('pump-1')
  assert.deepEqual(
    items.map((check: Record<string, unknown>) => [check.checkId, check.result, check.group]),
    [
      ['CCE-3522-0', 'fail', 'Filesystem'],
      ['CCE-14027-7', 'pass', 'Network Protocols'],
    ],
  )
  const failed = await server.call('GET', '/api/security/baseline/checks/CCE-3522-0')
  assert.deepEqual(
    failed.body.items.map((one: { deviceId: string }) => one.deviceId),
    ['pump-1'],
  )
  const only = await server.call('GET', '/api/security/baseline?device=pump-1&result=fail,error')
  assert.equal(only.body.items.length, 1)
  const summary = await server.call('GET', '/api/security/baseline/summary')
  assert.equal(summary.body.benchmarks[0].devices, 1)
  assert.equal(summary.body.checks[0].checkId, 'CCE-3522-0')

  const score = await server.call('GET', '/api/devices/pump-1/security/score')
  const points = score.body.parts.reduce(
    (sum: number, part: { points: number }) => sum + Math.round(part.points * 100),
    Math.round(score.body.rounding * 100),
  )
  assert.equal(points, score.body.score * 100)
  assert.equal(score.body.parts[0].losses[0].id, 'CCE-3522-0')
  const unknown = await server.call('GET', '/api/security/baseline?device=nobody')
  assert.equal(unknown.status, 404)
})

test('the score is in the tags of the module twin, where the query language finds it', async () => {
  const { body } = await server.call('GET', '/api/devices/pump-1/security/score')
  const ids = async (condition: string) => {
    const sql = `SELECT deviceId, tags.posture.score FROM devices.modules WHERE
      deviceId = 'pump-1' AND ${condition}`
    const found = await server.call('POST', '/devices/query', { body: { query: sql } })
    assert.equal(found.status, 200, JSON.stringify(found.body))
    return found.body.map((row: { deviceId: string }) => row.deviceId)
  }
  await until(async () => (await ids(`tags.posture.score = ${body.score}`)).includes('pump-1'))
  assert.deepEqual(await ids(`tags.posture.score < ${body.score}`), [])
  assert.ok((await ids('tags.posture.score < 101')).includes('pump-1'))
  assert.deepEqual(await ids('tags.posture.baseline.fail >= 1'), ['pump-1'])
})

test('the scores of groups and the fleet weigh devices by their criticality', async () => {
  const tags = { securityGroup: 'Cellar', deviceCriticality: 'Important' }
  await server.call('PATCH', '/twins/pump-1', { body: { tags } })
  const scoreOf = async (deviceId: string): Promise<number> =>
    (await server.call('GET', `/api/devices/${deviceId}/security/score`)).body.score
  const group = await until(async () => {
    const { body } = await server.call('GET', '/api/security/score')
    return body.items.find((one: { group: string }) => one.group === 'cellar')
  })
  const [one, other] = [await scoreOf('pump-1'), await scoreOf('pump-2')]
  assert.equal(group.score, one)
  const { body: fleet } = await server.call('GET', '/api/security/score')
  assert.deepEqual([fleet.score, fleet.devices], [Math.round((3 * one + other) / 4), 2])
  const history = await server.call('GET', '/api/security/score/history?group=cellar&days=7')
  const today = new Date().toISOString().slice(0, 10)
  const [last] = history.body.items.slice(-1)
  assert.deepEqual([last.date <= today, last.score, last.devices], [true, one, 1])
  const own = await server.call('GET', '/api/security/score/history?device=pump-1&days=1')
  assert.deepEqual(
    own.body.items.map(({ score }: { score: number }) => score),
    [one],
  )
  for (const query of ['days=0', 'days=401', 'days=x', 'device=pump-1&group=cellar']) {
    const wrong = await server.call('GET', `/api/security/score/history?${query}`)
    assert.equal(wrong.status, 400, query)
  }

  const { body: analytics } = await server.call('GET', '/api/security/analytics')
  assert.equal(analytics.scoreHistory.at(-1).score, fleet.score)
  assert.equal(analytics.unhealthyDeviceCount, 1)
  assert.equal(analytics.metrics.medium >= 1, true)
  assert.deepEqual(analytics.topAlertedDevices, { value: [] })
  const [prevalent] = analytics.mostPrevalentDeviceRecommendations.value
  assert.deepEqual([prevalent.recommendationType, prevalent.devicesCount], ['IoT_Baseline', 1])
  assert.equal(typeof analytics.openAlerts.High, 'number')
})

test('custom checks are imported from XML, listed, and given to agents by their hash', async () => {
  const path = '/api/security/baseline/custom-checks'
  const check = '<check distro="*" command="CheckFileExists" path="/etc/motd"/>'
  const audit = `<audit msid="1" severity="Warning" description="d">${check}</audit>`
  const xml = `<baseline BaselineId="mine"><audits>${audit}</audits></baseline>`
  const imported = await server.call('POST', path, { body: { xml } })
  assert.equal(imported.status, 201, JSON.stringify(imported.body))
  const { sha256 } = imported.body
  // No credentials: the hash is what an agent knows.
  const content = await download(`${path}/${sha256}`)
  assert.equal(createHash('sha256').update(content).digest('hex'), sha256)
  assert.equal(JSON.parse(content).checks[0].variants[0].command, 'CheckFileExists')
  const again = await server.call('POST', path, { body: { document: JSON.parse(content) } })
  assert.equal(again.body.sha256, sha256)
  const listed = await server.call('GET', path)
  assert.deepEqual(
    listed.body.items.map((one: { sha256: string }) => one.sha256),
    [sha256],
  )
  const refused = await server.call('POST', path, { body: { xml: '<!DOCTYPE a><a/>' } })
  assert.equal(refused.status, 400)
  assert.match(JSON.stringify(refused.body), /line 1: a document type is not allowed/)
  const neither = await server.call('POST', path, { body: {} })
  assert.equal(neither.status, 400)
  const schema = await download('/schemas/baseline/custom-checks.json')
  assert.equal(JSON.parse(schema).properties.format.const, 'twinward-baseline-checks/1')
  assert.equal((await server.call('DELETE', `${path}/${sha256}`)).status, 204)
  assert.equal((await server.call('GET', `${path}/${sha256}`)).status, 404)
})

/** What anybody gets. */
function download(path: string): Promise<string> {
  const options = {
    host: server.host,
    port: server.ready.httpsPort,
    path,
    ca: readFileSync(server.caFile),
  }
  return new Promise((resolve, reject) => {
    const sent = request(options, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part) => {
        text += part
      })
      response.on('end', () => resolve(text))
    })
    sent.on('error', reject)
    sent.end()
  })
}
