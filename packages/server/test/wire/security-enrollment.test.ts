import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseConnectionString, SECURITY_INTERFACE_ID } from '@twinward/protocol'
import { makeToken } from '../../../hub/test/hub.ts'
import { type HttpsHub, startHttpsHub } from '../https-hub.ts'

// One-time enrolment tokens and key rotation of security modules (security 07 §6), over HTTPS.

const MODULE = 'azureiotsecurity'
let hub: HttpsHub
before(async () => {
  hub = await startHttpsHub()
})
after(() => hub[Symbol.asyncDispose]())

let devices = 0
async function createDevice(): Promise<string> {
  const deviceId = `pump-${++devices}`
  await hub.call('PUT', `/devices/${deviceId}`, { body: { deviceId } })
  return deviceId
}

const tokensOf = (deviceId: string) => `/api/devices/${deviceId}/security/enrollment-tokens`
const createToken = async (deviceId: string, body: object = {}) =>
  hub.call('POST', tokensOf(deviceId), { body })
const enroll = (token: unknown) =>
  hub.call('POST', '/api/security/enroll', { token: null, body: { token } })

/** Whether a connection string's key may send as its module. */
async function sendStatus(connectionString: string): Promise<number> {
  const parts = parseConnectionString(connectionString)
  assert.equal(parts.hostName, 'localhost')
  const { deviceId = '', moduleId = '', sharedAccessKey } = parts
  const expiresAtMs = hub.clock.now() + 60_000
  const { status } = await hub.call(
    'POST',
    `/devices/${deviceId}/modules/${moduleId}/messages/events`,
    {
      token: makeToken(sharedAccessKey, { deviceId, moduleId }, { expiresAtMs }),
      headers: { 'iothub-interface-id': SECURITY_INTERFACE_ID },
      body: '{}',
    },
  )
  return status
}

test('a token is made, shown once, redeemed without a credential, and is then used up', async () => {
  const deviceId = await createDevice()
  const made = await createToken(deviceId, { validForMinutes: 5 })
  assert.equal(made.status, 201)
  assert.equal(made.headers['cache-control'], 'no-store')
  const { token, tokenId, ...shown } = made.body
  assert.equal(shown.status, 'open')
  assert.equal(shown.createdBy, 'iothubowner')
  const lifeMs = Date.parse(shown.expiresTimeUtc) - Date.parse(shown.createdTimeUtc)
  assert.equal(lifeMs, 5 * 60_000)

  const enrolled = await enroll(token)
  assert.equal(enrolled.status, 200)
  assert.deepEqual(Object.keys(enrolled.body), ['deviceId', 'moduleId', 'connectionString'])
  assert.deepEqual([enrolled.body.deviceId, enrolled.body.moduleId], [deviceId, MODULE])
  assert.equal(await sendStatus(enrolled.body.connectionString), 204)
  assert.equal((await hub.call('GET', `/devices/${deviceId}/modules/${MODULE}`)).status, 200)

  const again = await enroll(token)
  assert.equal(again.status, 401)
  assert.equal(again.headers['iothub-errorcode'], 'IotHubUnauthorized')
  const { body } = await hub.call('GET', tokensOf(deviceId))
  assert.equal(body.items.length, 1)
  assert.equal(body.items[0].tokenId, tokenId)
  assert.equal(body.items[0].status, 'used')
  assert.match(body.items[0].usedAddress, /^127\./)
  assert.ok(!JSON.stringify(body).includes(token.split('.')[2]))
})

test('a second token replaces the keys: what the first one gave opens nothing any more', async () => {
  const deviceId = await createDevice()
  const first = (await enroll((await createToken(deviceId)).body.token)).body.connectionString
  assert.equal(await sendStatus(first), 204)
  const second = (await enroll((await createToken(deviceId)).body.token)).body.connectionString
  assert.equal(await sendStatus(first), 401)
  assert.equal(await sendStatus(second), 204)
})

test('a revoked token, and what is no token, opens nothing', async () => {
  const deviceId = await createDevice()
  const { body } = await createToken(deviceId)
  const path = `${tokensOf(deviceId)}/${body.tokenId}`
  assert.equal((await hub.call('DELETE', path)).status, 204)
  assert.equal((await hub.call('DELETE', path)).status, 404)
  assert.equal((await enroll(body.token)).status, 401)
  assert.equal((await enroll('x')).status, 401)
  for (const wrong of [undefined, 7, '', 'x'.repeat(300)]) {
    assert.equal((await enroll(wrong)).status, 400)
  }
  assert.equal((await hub.call('GET', `/devices/${deviceId}/modules/${MODULE}`)).status, 404)
})

test('what a token is asked for is checked, and who asks', async () => {
  const deviceId = await createDevice()
  for (const body of [{ validForMinutes: 0 }, { validForMinutes: 20_000 }, { moduleId: 'app' }]) {
    assert.equal((await createToken(deviceId, body)).status, 400, JSON.stringify(body))
  }
  assert.equal((await createToken('nobody')).status, 404)
  for (const policy of ['service', 'device', 'registryRead']) {
    const answer = await hub.call('POST', tokensOf(deviceId), { policy, body: {} })
    assert.equal(answer.status, 401, policy)
  }
  const micro = await createToken(deviceId, { moduleId: 'DefenderIotMicroAgent' })
  assert.equal((await enroll(micro.body.token)).body.moduleId, 'DefenderIotMicroAgent')
})

test('rotation: a new key, the old one stays good; revoked, none does', async () => {
  const deviceId = await createDevice()
  const path = `/api/devices/${deviceId}/security/credentials`
  await hub.keyOf({ deviceId, moduleId: MODULE })
  const { body: shown } = await hub.call('GET', path)
  assert.deepEqual(shown, {
    deviceId,
    modules: [{ moduleId: MODULE, type: 'sas', lastUsed: null, rotatedTimeUtc: null }],
  })
  const { body: identity } = await hub.call('GET', `/devices/${deviceId}/modules/${MODULE}`)
  const old = (await hub.connectionString({ deviceId, moduleId: MODULE })).replace(
    hub.host,
    'localhost',
  )
  const rotated = await hub.call('POST', `${path}/rotate`, { body: {} })
  assert.equal(rotated.status, 200)
  assert.equal(await sendStatus(old), 204)
  assert.equal(await sendStatus(rotated.body.connectionString), 204)
  const { body: after } = await hub.call('GET', `/devices/${deviceId}/modules/${MODULE}`)
  assert.notEqual(after.etag, identity.etag)
  assert.equal(
    after.authentication.symmetricKey.secondaryKey,
    identity.authentication.symmetricKey.primaryKey,
  )
  assert.equal((await hub.call('POST', `${path}/rotate`, { body: {} })).status, 409)
  const revoked = await hub.call('POST', `${path}/rotate`, { body: { revoke: true } })
  assert.equal(await sendStatus(rotated.body.connectionString), 401)
  assert.equal(await sendStatus(old), 401)
  assert.equal(await sendStatus(revoked.body.connectionString), 204)
  const { body: last } = await hub.call('GET', path)
  assert.ok(Date.parse(last.modules[0].rotatedTimeUtc) > 0)
})

test('ordinary telemetry of a security module is refused, over HTTPS too', async () => {
  const deviceId = await createDevice()
  const ref = { deviceId, moduleId: MODULE }
  const token = makeToken(await hub.keyOf(ref), ref)
  const path = `/devices/${deviceId}/modules/${MODULE}/messages/events`
  const plain = await hub.call('POST', path, { token, body: '{}' })
  assert.equal(plain.status, 401)
  assert.equal(plain.headers['iothub-errorcode'], 'IotHubUnauthorizedAccess')
  const type = 'application/vnd.microsoft.iothub.json'
  const marked = { body: 'e30=', properties: { 'iothub-interface-id': SECURITY_INTERFACE_ID } }
  const batch = (...elements: readonly object[]) =>
    hub.call('POST', path, {
      token,
      headers: { 'content-type': type },
      body: JSON.stringify(elements),
    })
  const before = (await hub.messages('security')).length
  assert.equal((await batch(marked, { body: 'e30=' })).status, 401)
  assert.equal((await hub.messages('security')).length, before, 'all or none')
  assert.equal((await batch(marked, marked)).status, 204)
  assert.deepEqual(await hub.messages(), [])
})
