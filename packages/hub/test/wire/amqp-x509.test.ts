import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import sdk from 'azure-iot-device'
import { Amqp } from 'azure-iot-device-amqp'
import {
  type AmqpTestHub,
  attachSender,
  connectRaw,
  detached,
  deviceToken,
  putToken,
  rhea,
  send,
  startAmqpHub,
} from '../amqp-hub.ts'
import { type IssuedCertificate, issue, issueAuthority } from '../certificate.ts'

const root = await issueAuthority('plant root')
let hub: AmqpTestHub
before(async () => {
  hub = await startAmqpHub()
  await hub.certificates.put('plant', { raw: root.der, isVerified: true }, undefined)
})
after(() => hub[Symbol.asyncDispose]())

async function createByThumbprint(deviceId: string, certificate: IssuedCertificate) {
  const primaryThumbprint = createHash('sha256').update(certificate.der).digest('hex')
  const x509Thumbprint = { primaryThumbprint, secondaryThumbprint: '' }
  const authentication = { type: 'selfSigned', x509Thumbprint }
  await hub.identities.createDevice(deviceId, { authentication } as never)
}

function events(deviceId: string): string {
  return `/devices/${deviceId}/messages/events`
}

test('x509: a device with its certificate needs no CBS, with or without SASL EXTERNAL', async () => {
  const certificate = await issue('self-1')
  await createByThumbprint('self-1', certificate)
  const { cert, key } = certificate
  const sasl_mechanisms = rhea.sasl.client_mechanisms() as unknown as { enable_external(): void }
  sasl_mechanisms.enable_external()
  for (const options of [
    { cert, key },
    { cert, key, sasl_mechanisms },
  ]) {
    await using client = await connectRaw(hub, options as never)
    const sender = await attachSender(client.session(), events('self-1'))
    assert.equal(await send(sender, { body: 'x' }), 'accepted')
  }
  const [stored] = await hub.messages()
  assert.equal(
    JSON.parse(stored && 'authMethod' in stored ? String(stored.authMethod) : '').type,
    'x509',
  )
})

test('x509: the certificate opens its own device alone, and a missing or strange one none', async () => {
  const [own, stranger] = [await issue('self-2'), await issue('self-2')]
  await createByThumbprint('self-2', own)
  await hub.keyOf({ deviceId: 'by-key' })
  const refused = { name: 'amqp:unauthorized-access' }
  for (const [certificate, deviceId] of [
    [stranger, 'self-2'],
    [own, 'by-key'],
    [own, 'nobody'],
  ] as const) {
    await using client = await connectRaw(hub, {
      cert: certificate.cert,
      key: certificate.key,
    } as never)
    await assert.rejects(attachSender(client.session(), events(deviceId)), refused)
  }
})

test('x509: a leaf of a registered CA comes in until the CA is revoked', async () => {
  const leaf = await issue('leaf-1', { issuer: root })
  await hub.identities.createDevice('leaf-1', {
    authentication: { type: 'certificateAuthority' },
  } as never)
  await using client = await connectRaw(hub, { cert: leaf.cert, key: leaf.key } as never)
  const sender = await attachSender(client.session(), events('leaf-1'))
  const gone = detached(sender)
  await hub.certificates.remove('plant', '*')
  assert.equal(await gone, 'amqp:unauthorized-access')
  await assert.rejects(attachSender(client.session(), events('leaf-1')))
  await hub.certificates.put('plant', { raw: root.der, isVerified: true }, undefined)
})

test('x509: a gateway with a certificate of its own may put tokens for its devices', async () => {
  const certificate = await issue('gateway-1')
  await createByThumbprint('gateway-1', certificate)
  const { cert, key } = certificate
  await using client = await connectRaw(hub, { cert, key } as never)
  const session = client.session()
  const child = { deviceId: 'child-1' }
  const { status } = await putToken(
    session,
    'localhost/devices/child-1',
    await deviceToken(hub, child),
  )
  assert.equal(status, 200)
  assert.equal(
    await send(await attachSender(session, events('child-1')), { body: 'x' }),
    'accepted',
  )
})

test("x509: Microsoft's client with a certificate, unmodified", async () => {
  const certificate = await issue('self-3')
  await createByThumbprint('self-3', certificate)
  const text = `HostName=localhost:${hub.port};DeviceId=self-3;x509=true`
  const client = sdk.Client.fromConnectionString(text, Amqp)
  await client.setOptions({ ca: hub.ca, cert: certificate.cert, key: certificate.key })
  client.setRetryPolicy({ shouldRetry: () => false, nextRetryTimeout: () => 0 })
  await client.open()
  await client.sendEvent(new sdk.Message('hello'))
  assert.equal((await client.getTwin()).properties.desired.$version, 1)
  await client.close()
})
