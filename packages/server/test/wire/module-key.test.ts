import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import { after, before, test } from 'node:test'
import { silentLog } from '@twinward/hub'
import { type IssuedCertificate, issue, issueAuthority } from '../../../hub/test/certificate.ts'
import { type Answer, identityToken, startTestServer, type TestServer } from '../server.ts'

// A security agent in device mode fetches the key of its own module with the device's credential
// (13, quirk 2): the token's resource is the bare host name, and no policy is named.

const MODULE = 'azureiotsecurity'
const lines: object[] = []
let server: TestServer
before(async () => {
  const log = { ...silentLog, info: (fields: object) => void lines.push(fields) }
  server = await startTestServer({}, log)
  for (const deviceId of ['pump-1', 'pump-2']) {
    await server.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
  }
  await server.call('PUT', '/devices/pump-1/modules/app', {
    body: { deviceId: 'pump-1', moduleId: 'app' },
  })
})
after(() => server[Symbol.asyncDispose]())

/** What the agent sends: `sr` is the hub as a whole, signed with the device's key. */
async function agentToken(deviceId: string, resource = server.host): Promise<string> {
  return identityToken(resource, (await server.call('GET', `/devices/${deviceId}`)).body)
}

function asAgent(method: string, path: string, authorization: string): Promise<Answer> {
  return server.call(method, path, { policy: null, headers: { authorization } })
}

test('with the device’s key: the module’s identity with its own keys, logged and counted', async () => {
  const path = `/devices/pump-1/modules/${MODULE}`
  const { body: expected } = await server.call('GET', path)
  for (const resource of [server.host, `${server.host}/devices/pump-1`]) {
    const answer = await asAgent('GET', path, await agentToken('pump-1', resource))
    assert.equal(answer.status, 200)
    assert.deepEqual(answer.body, expected)
    assert.ok(answer.body.authentication.symmetricKey.primaryKey)
  }
  const audit = { audit: 'module-key-read', ref: `pump-1/${MODULE}`, by: 'sas' }
  assert.deepEqual(
    lines.filter((line) => 'audit' in line),
    [audit, audit],
  )
  const { body: metrics } = await server.call('GET', '/metrics')
  assert.match(metrics, /^twinward_module_key_reads_total 2$/m)
})

test('with the device’s certificate, and no Authorization', async () => {
  const ca = await issueAuthority('plant')
  const properties = { certificate: ca.cert, isVerified: true }
  await server.call('PUT', '/api/certificates/plant', { body: { properties } })
  const body = { deviceId: 'pump-3', authentication: { type: 'certificateAuthority' } }
  await server.call('PUT', '/devices/pump-3', { body })
  const path = `/devices/pump-3/modules/${MODULE}`
  const own = await issue('pump-3', { issuer: ca })
  assert.equal(await statusOf(path, own), 200)
  assert.equal(await statusOf(path, await issue('pump-2', { issuer: ca })), 401)
  assert.equal(await statusOf(path.replace('pump-3', 'pump-1'), own), 401)
})

test('nothing else: no other module, device, method or route', async () => {
  const authorization = await agentToken('pump-1')
  for (const [method, path] of [
    ['GET', '/devices/pump-1/modules/app'],
    ['GET', `/devices/pump-2/modules/${MODULE}`],
    ['PUT', `/devices/pump-1/modules/${MODULE}`],
    ['DELETE', `/devices/pump-1/modules/${MODULE}`],
    ['GET', '/devices/pump-1/modules'],
    ['GET', '/devices/pump-1'],
    ['GET', '/devices'],
    ['GET', `/twins/pump-1/modules/${MODULE}`],
    ['POST', '/devices/pump-1/messages/events'],
  ] as const) {
    assert.equal((await asAgent(method, path, authorization)).status, 401, `${method} ${path}`)
  }
  const missing = await asAgent(
    'GET',
    '/devices/pump-1/modules/DefenderIotMicroAgent',
    authorization,
  )
  assert.equal(missing.status, 404)
})

async function statusOf(path: string, { cert, key }: IssuedCertificate): Promise<number> {
  const sent = request({
    host: server.host,
    port: server.ready.httpsPort,
    agent: false,
    path: `${path}?api-version=2018-06-30`,
    ca: readFileSync(server.caFile),
    cert,
    key,
  }).end()
  const [response] = await once(sent, 'response')
  response.resume()
  return response.statusCode
}
