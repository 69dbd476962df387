import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type RequestOptions, request } from 'node:https'
import { after, before, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import sdk from 'azure-iot-device'
import { Http } from 'azure-iot-device-http'
import { MqttWs } from 'azure-iot-device-mqtt'
import { type IssuedCertificate, issue, issueAuthority } from '../../../hub/test/certificate.ts'
import { startTestServer, type TestServer, until } from '../server.ts'

// Devices with certificates over HTTPS and WebSocket, and the API where CAs are registered.

const skip =
  process.getuid?.() !== 0 && 'this user may not listen on port 443, the only one these SDKs know'
const MODULE = 'azureiotsecurity'
const root = await issueAuthority('plant root')
const middle = await issueAuthority('plant line 1', { issuer: root })
const names = new Set<string>()
let server: TestServer

before(async () => {
  server = await startTestServer(skip ? {} : { httpsPort: 443 })
  await register('plant', root)
})
after(() => server[Symbol.asyncDispose]())

async function register(name: string, { cert }: IssuedCertificate, isVerified = true) {
  const body = { properties: { certificate: cert, isVerified } }
  const answer = await server.call('PUT', `/api/certificates/${name}`, { body })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer
}

function thumbprint({ der }: IssuedCertificate, hash = 'sha256'): string {
  return createHash(hash).update(der).digest('hex')
}

/** A device, by default one of the registered CA. @returns its id */
async function createDevice(authentication: object = { type: 'certificateAuthority' }) {
  const deviceId = `device-${names.size}`
  names.add(deviceId)
  const body = { deviceId, authentication }
  const { status } = await server.call('PUT', `/devices/${deviceId}`, { body })
  assert.equal(status, 200)
  return deviceId
}

async function createModule(moduleId: string): Promise<{ deviceId: string; moduleId: string }> {
  const deviceId = await createDevice()
  const ref = { deviceId, moduleId }
  const authentication = { type: 'certificateAuthority' }
  const path = `/devices/${deviceId}/modules/${moduleId}`
  const { status } = await server.call('PUT', path, { body: { ...ref, authentication } })
  assert.equal(status, 200)
  return ref
}

interface Shown {
  readonly certificate?: IssuedCertificate
  readonly chain?: readonly IssuedCertificate[]
  readonly token?: string
  readonly options?: RequestOptions
}

function tlsOf({ certificate, chain = [] }: Shown) {
  return {
    ca: readFileSync(server.caFile),
    ...(certificate && {
      cert: [certificate, ...chain].map(({ cert }) => cert).join('\n'),
      key: certificate.key,
    }),
  }
}

/** A request with a certificate, on a connection of its own. */
async function ask(method: string, path: string, shown: Shown = {}) {
  const { token } = shown
  const sent = request({
    host: server.host,
    port: server.ready.httpsPort,
    agent: false,
    method,
    path: `${path}${path.includes('?') ? '&' : '?'}api-version=2021-04-12`,
    headers: token === undefined ? {} : { authorization: token },
    ...tlsOf(shown),
    ...shown.options,
  }).end()
  const [response] = await once(sent, 'response')
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  const code = response.headers['iothub-errorcode']
  return { status: response.statusCode as number, code, text }
}

const REFUSED = { status: 401, code: 'IotHubUnauthorized' }

async function send(deviceId: string, shown: Shown) {
  const { status, code } = await ask('POST', `/devices/${deviceId}/messages/events`, shown)
  return code === undefined ? { status } : { status, code }
}

for (const [name, transport] of [
  ['azure-iot-device-http', Http],
  ['azure-iot-device-mqtt over WebSocket', MqttWs],
] as const) {
  for (const kind of ['self-signed', 'signed by a registered CA'] as const) {
    test(`${name}, unmodified, with a certificate: ${kind}`, { skip }, async () => {
      const isSigned = kind !== 'self-signed'
      const own = isSigned ? undefined : await issue('any name')
      const deviceId = await createDevice(
        own && {
          type: 'selfSigned',
          x509Thumbprint: { primaryThumbprint: thumbprint(own, 'sha1') },
        },
      )
      const certificate = own ?? (await issue(deviceId, { issuer: middle }))
      const cert = isSigned ? `${certificate.cert}\n${middle.cert}` : certificate.cert
      const text = `HostName=${server.host};DeviceId=${deviceId};x509=true`
      const client = sdk.Client.fromConnectionString(text, transport)
      client.on('error', () => {})
      client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => 0 })
      try {
        const ca = readFileSync(server.caFile, 'utf8')
        // Over HTTP the client never says that its options are set unless it gets a receive policy.
        const http = { receivePolicy: { drain: true } }
        await client.setOptions({ ca, cert, key: certificate.key, http })
        await client.open()
        await client.sendEvent(new sdk.Message('21.5'))
        await server.call('PUT', `/devices/${deviceId}`, {
          body: { deviceId, status: 'disabled', authentication: { type: 'certificateAuthority' } },
          headers: { 'if-match': '*' },
        })
        await assert.rejects(client.sendEvent(new sdk.Message('21.6')))
      } finally {
        await client.close().catch(() => {})
      }
    })
  }
}

test('a module sends with its own certificate, whose name is DEVICE/MODULE, and no other', async () => {
  const { deviceId, moduleId } = await createModule('telemetry')
  const path = `/devices/${deviceId}/modules/${moduleId}/messages/events`
  const own = await issue(`${deviceId}/${moduleId}`, { issuer: root })
  assert.equal((await ask('POST', path, { certificate: own })).status, 204)
  for (const name of [deviceId, moduleId, `${deviceId}/other`]) {
    const certificate = await issue(name, { issuer: root })
    assert.equal((await ask('POST', path, { certificate })).status, 401, name)
  }
  assert.deepEqual(await send(deviceId, { certificate: own }), REFUSED)
})

test('HTTPS refuses: no credential, another’s, expired, not registered, disabled, unknown', async () => {
  const deviceId = await createDevice()
  const own = await issue(deviceId, { issuer: middle })
  assert.deepEqual(await send(deviceId, { certificate: own, chain: [middle] }), { status: 204 })
  assert.deepEqual(await send(deviceId, {}), REFUSED)
  assert.deepEqual(await send(deviceId, { certificate: own }), REFUSED)
  const other = await createDevice()
  assert.deepEqual(await send(other, { certificate: own, chain: [middle] }), REFUSED)
  const notAfter = new Date(Date.now() - 1000)
  const expired = await issue(deviceId, { issuer: root, notAfter })
  assert.deepEqual(await send(deviceId, { certificate: expired }), REFUSED)
  const stranger = await issue(deviceId, { issuer: await issueAuthority('plant root') })
  assert.deepEqual(await send(deviceId, { certificate: stranger }), REFUSED)
  assert.deepEqual(await send('nobody', { certificate: own, chain: [middle] }), REFUSED)
  // A token beside a certificate: the token counts, here a wrong one.
  const token = `SharedAccessSignature sr=${server.host}&sig=AAAA&se=9999999999`
  assert.deepEqual(await send(deviceId, { certificate: own, chain: [middle], token }), REFUSED)
  const headers = { 'if-match': '*' }
  const body = { deviceId, status: 'disabled', authentication: { type: 'certificateAuthority' } }
  await server.call('PUT', `/devices/${deviceId}`, { body, headers })
  assert.deepEqual(await send(deviceId, { certificate: own, chain: [middle] }), REFUSED)
})

test('a certificate opens no route of a service', async () => {
  const deviceId = await createDevice()
  const certificate = await issue(deviceId, { issuer: root })
  for (const [method, path] of [
    ['GET', `/devices/${deviceId}`],
    ['GET', `/devices/${deviceId}/modules`],
    ['GET', `/twins/${deviceId}`],
    ['GET', '/api/certificates'],
    ['PUT', `/devices/${deviceId}/modules/${MODULE}`],
    ['DELETE', `/devices/${deviceId}/modules/${MODULE}`],
  ] as const) {
    const { status, code } = await ask(method, path, { certificate })
    assert.deepEqual({ status, code }, { status: 401, code: 'IotHubUnauthorizedAccess' }, path)
  }
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`HTTPS, ${version}: a resumed session is still the device of the first handshake`, async () => {
    const deviceId = await createDevice()
    const other = await createDevice()
    const certificate = await issue(deviceId, { issuer: middle })
    const shown = { certificate, chain: [middle] }
    let session: Buffer | undefined
    const post = async (id: string, from: Shown): Promise<{ reused: boolean; line: string }> => {
      const socket = connect({
        host: server.host,
        port: server.ready.httpsPort,
        minVersion: version,
        maxVersion: version,
        ...(session && { session }),
        ...tlsOf(from),
      })
      socket.on('session', (next: Buffer) => {
        session ??= next
      })
      await once(socket, 'secureConnect')
      const line = await postOn(socket, id)
      const reused = socket.isSessionReused()
      await until(() => session !== undefined)
      socket.destroy()
      return { reused, line }
    }
    assert.deepEqual(await post(deviceId, shown), {
      reused: false,
      line: 'HTTP/1.1 204 No Content',
    })
    assert.deepEqual(await post(deviceId, shown), { reused: true, line: 'HTTP/1.1 204 No Content' })
    const own = await issue(other, { issuer: middle })
    const refused = { reused: true, line: 'HTTP/1.1 401 Unauthorized' }
    assert.deepEqual(await post(other, { certificate: own, chain: [middle] }), refused)
  })
}

/** @returns the first line of the answer */
async function postOn(socket: TLSSocket, deviceId: string): Promise<string> {
  socket.write(
    `POST /devices/${deviceId}/messages/events?api-version=2021-04-12 HTTP/1.1\r\n` +
      `Host: ${server.host}\r\nContent-Length: 0\r\n\r\n`,
  )
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  return chunk.toString().split('\r\n')[0] ?? ''
}

test('/api/certificates: a CA comes, proves itself and goes, in the shape of Azure’s resource', async () => {
  const ca = await issueAuthority('proving ground')
  const added = await register('proving', ca, false)
  const { etag, name, properties } = added.body
  assert.equal(added.headers.etag, `"${etag}"`)
  assert.equal(name, 'proving')
  assert.equal(properties.subject, 'CN=proving ground')
  assert.equal(properties.thumbprint, thumbprint(ca, 'sha1').toUpperCase())
  assert.equal(properties.isVerified, false)
  assert.equal(properties.certificate, Buffer.from(ca.der).toString('base64'))
  for (const time of ['expiry', 'created', 'updated']) {
    assert.match(properties[time], /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
  }
  const deviceId = await createDevice()
  const certificate = await issue(deviceId, { issuer: ca })
  assert.deepEqual(await send(deviceId, { certificate }), REFUSED)

  const path = '/api/certificates/proving'
  const asked = await server.call('POST', `${path}/generateVerificationCode`, {
    headers: { 'if-match': `"${etag}"` },
  })
  const code: string = asked.body.properties.verificationCode
  assert.match(code, /^[0-9A-F]{48}$/)
  const shown = await server.call('GET', path)
  assert.equal(shown.body.properties.verificationCode, undefined, 'only who asked sees it')
  const proof = await issue(code, { issuer: ca })
  const verify = (pem: string, ifMatch: string) =>
    server.call('POST', `${path}/verify`, {
      body: { certificate: pem },
      headers: { 'if-match': ifMatch },
    })
  assert.equal((await verify(proof.cert, etag)).status, 412, 'the etag has moved')
  assert.equal((await verify(certificate.cert, '*')).status, 400)
  assert.equal((await verify('abc', '*')).status, 400)
  const verified = await verify(proof.cert, asked.body.etag)
  assert.equal(verified.status, 200)
  assert.equal(verified.body.properties.isVerified, true)
  assert.deepEqual(await send(deviceId, { certificate }), { status: 204 })

  const { body } = await server.call('GET', '/api/certificates')
  assert.deepEqual(
    body.value.map((one: { name: string }) => one.name),
    ['plant', 'proving'],
  )
  assert.equal((await server.call('DELETE', path)).status, 412)
  const headers = { 'if-match': '"*"' }
  assert.equal((await server.call('DELETE', path, { headers })).status, 204)
  assert.deepEqual(await send(deviceId, { certificate }), REFUSED)
  const gone = await server.call('GET', path)
  assert.equal(gone.status, 404)
  assert.equal(gone.headers['iothub-errorcode'], 'CertificateNotFound')
})

test('/api/certificates: takes PEM, base64 of DER and base64 of PEM; says what is wrong with others', async () => {
  const path = '/api/certificates/forms'
  const ca = await issueAuthority('forms')
  for (const certificate of [
    ca.cert,
    Buffer.from(ca.der).toString('base64'),
    Buffer.from(ca.cert).toString('base64'),
  ]) {
    const body = { properties: { certificate } }
    assert.equal((await server.call('PUT', path, { body })).status, 200)
    await server.call('DELETE', path, { headers: { 'if-match': '*' } })
  }
  const leaf = await issue('leaf')
  for (const [certificate, words] of [
    [`${ca.cert}\n${leaf.cert}`, /one certificate/],
    [leaf.cert, /not a CA certificate/],
    ['-----BEGIN CERTIFICATE-----', /PEM or base64/],
    ['AAAA', /PEM or base64/],
    ['MAAA', /not one X.509 certificate/],
    ['', /certificate/],
  ] as const) {
    const answer = await server.call('PUT', path, { body: { properties: { certificate } } })
    assert.equal(answer.status, 400)
    assert.match(answer.body.Message, words)
  }
})
