import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { connect, type TLSSocket } from 'node:tls'
import { type DeviceRef, refKey } from '@twinward/protocol'
import sdk, { type Client, type ModuleClient } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import type { IConnackPacket, IConnectPacket } from 'mqtt-packet'
import type { StampedMessage } from '../../src/messages/event-log.ts'
import { readCertificate } from '../../src/registry/certificate.ts'
import { type IssuedCertificate, issue, issueAuthority } from '../certificate.ts'
import { type MqttTestHub, makeToken, startMqttHub, until } from '../hub.ts'
import { RawClient } from '../raw-mqtt.ts'

const UNAUTHORIZED = 5
const root = await issueAuthority('plant root')
const middle = await issueAuthority('plant line 1', { issuer: root })
let hub: MqttTestHub
before(async () => {
  hub = await startMqttHub()
  await register('plant', root)
})
after(() => hub[Symbol.asyncDispose]())

let devices = 0

async function register(name: string, { der }: IssuedCertificate, isVerified = true) {
  await hub.certificates.put(name, { raw: der, isVerified }, undefined)
}

/** A device, or with `moduleId` a module, that authenticates by a registered CA. */
async function createByAuthority(moduleId?: string): Promise<DeviceRef> {
  return create({ type: 'certificateAuthority' }, moduleId)
}

async function createByThumbprint(
  primaryThumbprint: string,
  { secondaryThumbprint = '', moduleId = '' } = {},
): Promise<DeviceRef> {
  const x509Thumbprint = { primaryThumbprint, secondaryThumbprint }
  return create({ type: 'selfSigned', x509Thumbprint }, moduleId === '' ? undefined : moduleId)
}

async function create(authentication: object, moduleId?: string): Promise<DeviceRef> {
  const deviceId = `x509-${++devices}`
  if (moduleId === undefined) {
    await hub.identities.createDevice(deviceId, { authentication })
    return { deviceId }
  }
  await hub.identities.createDevice(deviceId, {})
  await hub.identities.createModule({ deviceId, moduleId }, { authentication })
  return { deviceId, moduleId }
}

interface Dial {
  readonly certificate?: IssuedCertificate
  readonly chain?: readonly IssuedCertificate[]
  readonly version?: 'TLSv1.2' | 'TLSv1.3'
  readonly session?: Buffer | undefined
}

/** A TLS connection that shows a certificate and what stands above it. */
async function dial({ certificate, chain = [], version = 'TLSv1.3', session }: Dial = {}) {
  const socket = connect({
    host: '127.0.0.1',
    port: hub.port,
    servername: 'localhost',
    ca: hub.ca,
    minVersion: version,
    maxVersion: version,
    ...(certificate && {
      cert: [certificate, ...chain].map(({ cert }) => cert).join('\n'),
      key: certificate.key,
    }),
    ...(session && { session }),
  })
  let ticket: Buffer | undefined
  socket.on('session', (next: Buffer) => {
    ticket = next
  })
  await once(socket, 'secureConnect')
  return { socket, ticket: () => ticket }
}

/** @returns the CONNACK's code */
async function login(
  socket: TLSSocket,
  ref: DeviceRef,
  changes: Partial<IConnectPacket> = {},
): Promise<{ code: number; client: RawClient }> {
  const client = new RawClient(socket)
  client.send({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    clean: true,
    keepalive: 60,
    clientId: refKey(ref),
    username: `localhost/${refKey(ref)}/?api-version=2021-04-12`,
    ...changes,
  } as IConnectPacket)
  const [connack] = (await client.receive('connack')) as readonly IConnackPacket[]
  return { code: connack?.returnCode ?? -1, client }
}

async function codeOf(ref: DeviceRef, how: Dial, changes: Partial<IConnectPacket> = {}) {
  const { socket } = await dial(how)
  const { code } = await login(socket, ref, changes)
  socket.destroy()
  return code
}

function thumbprints({ der }: IssuedCertificate): { sha1: string; sha256: string } {
  const certificate = readCertificate(der)
  assert.ok(certificate)
  return certificate
}

const kinds = [
  { name: 'a device, self-signed', module: undefined, isSigned: false },
  { name: 'a module, self-signed', module: 'app', isSigned: false },
  { name: 'a device, signed by a registered CA', module: undefined, isSigned: true },
  { name: 'a module, signed by a registered CA', module: 'app', isSigned: true },
] as const

for (const { name, module, isSigned } of kinds) {
  test(`azure-iot-device-mqtt, unmodified, with a certificate: ${name}`, async () => {
    const ref = isSigned
      ? await createByAuthority(module)
      : await createByThumbprint('0'.repeat(40), { ...(module && { moduleId: module }) })
    const certificate = await issue(refKey(ref), isSigned ? { issuer: middle } : {})
    if (!isSigned) {
      const x509Thumbprint = { primaryThumbprint: thumbprints(certificate).sha1 }
      await hub.identities.update(ref, { authentication: { x509Thumbprint } }, '*')
    }
    const client = makeClient(ref)
    const chain = isSigned ? `${certificate.cert}\n${middle.cert}` : certificate.cert
    await client.setOptions({ ca: hub.ca, cert: chain, key: certificate.key })
    client.on('error', () => {})
    await client.open()
    try {
      await client.sendEvent(new sdk.Message(`from ${refKey(ref)}`))
      const stored = (await hub.messages()).find(
        ({ ref: sender }) => refKey(sender) === refKey(ref),
      )
      const scope = module ? 'module' : 'device'
      assert.deepEqual(JSON.parse((stored as StampedMessage | undefined)?.authMethod ?? ''), {
        scope,
        type: 'x509',
        issuer: 'iothub',
        acceptingIpFilterRule: null,
      })
    } finally {
      await client.close().catch(() => {})
    }
  })
}

/** The SDK reads connection strings with `x509=true` for devices only. */
function makeClient({ deviceId, moduleId }: DeviceRef): Client | ModuleClient {
  const host = `localhost:${hub.port}`
  if (moduleId === undefined) {
    return sdk.Client.fromConnectionString(`HostName=${host};DeviceId=${deviceId};x509=true`, Mqtt)
  }
  const provider = new sdk.X509AuthenticationProvider({ host, deviceId, moduleId })
  return sdk.ModuleClient.fromAuthenticationProvider(provider, Mqtt)
}

test('thumbprints: SHA-1 or SHA-256, primary or secondary, in any case', async () => {
  const certificate = await issue('whatever')
  const { sha1, sha256 } = thumbprints(certificate)
  const zero = '0'.repeat(40)
  for (const [primary, secondaryThumbprint] of [
    [sha1, ''],
    [sha256.toUpperCase(), ''],
    [zero, sha1.toUpperCase()],
    [zero, sha256],
  ] as const) {
    const ref = await createByThumbprint(primary, { secondaryThumbprint })
    assert.equal(await codeOf(ref, { certificate }), 0)
  }
  const { sha1: foreign } = thumbprints(await issue('whatever'))
  assert.equal(await codeOf(await createByThumbprint(foreign), { certificate }), UNAUTHORIZED)
})

test('refused: no certificate, another identity’s, one without its chain, an expired one', async () => {
  const ref = await createByAuthority()
  const own = await issue(refKey(ref), { issuer: middle })
  const chain = [middle]
  assert.equal(await codeOf(ref, { certificate: own, chain }), 0)
  assert.equal(await codeOf(ref, {}), UNAUTHORIZED)
  assert.equal(await codeOf(ref, { certificate: own }), UNAUTHORIZED)
  const other = await createByAuthority()
  assert.equal(await codeOf(other, { certificate: own, chain }), UNAUTHORIZED)
  const module = await createByAuthority('agent')
  assert.equal(await codeOf(module, { certificate: own, chain }), UNAUTHORIZED)
  const ofDevice = await issue(module.deviceId, { issuer: root })
  assert.equal(await codeOf(module, { certificate: ofDevice }), UNAUTHORIZED)
  const expired = await issue(refKey(ref), {
    issuer: root,
    notAfter: new Date(Date.now() - 1000),
  })
  assert.equal(await codeOf(ref, { certificate: expired }), UNAUTHORIZED)
  const selfSigned = await issue('old', { notAfter: new Date(Date.now() - 1000) })
  const byThumbprint = await createByThumbprint(thumbprints(selfSigned).sha1)
  assert.equal(await codeOf(byThumbprint, { certificate: selfSigned }), UNAUTHORIZED)
  assert.equal(await codeOf({ deviceId: 'nobody' }, { certificate: own, chain }), UNAUTHORIZED)
})

test('refused: a certificate where keys are registered, and the other way round', async () => {
  const certificate = await issue('pump-sas', { issuer: root })
  await hub.keyOf({ deviceId: 'pump-sas' })
  assert.equal(await codeOf({ deviceId: 'pump-sas' }, { certificate }), UNAUTHORIZED)
  const ref = await createByAuthority()
  const password = Buffer.from(makeToken(Buffer.alloc(32).toString('base64'), ref))
  assert.equal(await codeOf(ref, {}, { password }), UNAUTHORIZED)
})

test('a token beside a certificate: the token counts', async () => {
  const certificate = await issue('pump-both', { issuer: root })
  const ref = { deviceId: 'pump-both' }
  const password = Buffer.from(makeToken(await hub.keyOf(ref), ref))
  assert.equal(await codeOf(ref, { certificate }, { password }), 0)
  const wrong = Buffer.from(makeToken(Buffer.alloc(32).toString('base64'), ref))
  const byAuthority = await createByAuthority()
  const own = await issue(refKey(byAuthority), { issuer: root })
  assert.equal(await codeOf(byAuthority, { certificate: own }, { password: wrong }), UNAUTHORIZED)
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: a resumed session is still the device of the first handshake, and no other`, async () => {
    const ref = await createByAuthority()
    const own = await issue(refKey(ref), { issuer: middle })
    const how = { certificate: own, chain: [middle], version }
    const first = await dial(how)
    const opened = await login(first.socket, ref)
    assert.equal(opened.code, 0)
    await until(() => first.ticket() !== undefined, 'a ticket')
    const session = first.ticket()

    const second = await dial({ ...how, session })
    assert.ok(second.socket.isSessionReused())
    assert.equal((await login(second.socket, ref)).code, 0, 'the chain is known from before')
    second.socket.destroy()

    // The ticket without any certificate is as good; the holder of its secret had the key.
    const bare = await dial({ version, session })
    assert.ok(bare.socket.isSessionReused())
    assert.equal((await login(bare.socket, ref)).code, 0)
    bare.socket.destroy()

    const other = await createByAuthority()
    const othersOwn = await issue(refKey(other), { issuer: middle })
    const stolen = await dial({ certificate: othersOwn, chain: [middle], version, session })
    assert.ok(stolen.socket.isSessionReused())
    assert.equal(
      (await login(stolen.socket, other)).code,
      UNAUTHORIZED,
      'it names the first device',
    )
    stolen.socket.destroy()
    first.socket.destroy()
  })

  test(`${version}: a session without a certificate is resumed and stays without one`, async () => {
    const ref = { deviceId: 'pump-resumes' }
    const password = Buffer.from(makeToken(await hub.keyOf(ref), ref))
    const first = await dial({ version })
    assert.equal((await login(first.socket, ref, { password })).code, 0)
    await until(() => first.ticket() !== undefined, 'a ticket')
    const byAuthority = await createByAuthority()
    const own = await issue(refKey(byAuthority), { issuer: root })
    const second = await dial({ version, session: first.ticket(), certificate: own })
    assert.ok(second.socket.isSessionReused())
    assert.equal((await login(second.socket, byAuthority)).code, UNAUTHORIZED)
    const third = await dial({ version, session: first.ticket() })
    assert.equal((await login(third.socket, ref, { password })).code, 0)
    for (const { socket } of [first, second, third]) socket.destroy()
  })
}

test('at once: a changed thumbprint, another type, a disabled and a removed device lose their session', async () => {
  const certificate = await issue('whatever')
  const { sha1 } = thumbprints(certificate)
  const authentication = { x509Thumbprint: { primaryThumbprint: '1'.repeat(40) } }
  for (const end of [
    (ref: DeviceRef) => hub.identities.update(ref, { authentication }, '*'),
    (ref: DeviceRef) =>
      hub.identities.update(ref, { authentication: { type: 'certificateAuthority' } }, '*'),
    (ref: DeviceRef) =>
      hub.identities.update(
        ref,
        { status: 'disabled', authentication: { x509Thumbprint: { primaryThumbprint: sha1 } } },
        '*',
      ),
    (ref: DeviceRef) => hub.identities.remove(ref, '*'),
  ]) {
    const ref = await createByThumbprint(sha1)
    const { socket } = await dial({ certificate })
    const { code, client } = await login(socket, ref)
    assert.equal(code, 0)
    await end(ref)
    await client.closed()
    assert.equal(await codeOf(ref, { certificate }), UNAUTHORIZED)
  }
})

test('at once: the other thumbprint’s session stays when one changes', async () => {
  const [one, two] = [await issue('one'), await issue('two')]
  const [first, second] = [thumbprints(one).sha256, thumbprints(two).sha1]
  const ref = await createByThumbprint(first, { secondaryThumbprint: second })
  const { socket } = await dial({ certificate: two })
  const { client } = await login(socket, ref)
  const change = (primaryThumbprint: string, secondaryThumbprint: string) =>
    hub.identities.update(
      ref,
      { authentication: { x509Thumbprint: { primaryThumbprint, secondaryThumbprint } } },
      '*',
    )
  await change('2'.repeat(64), second.toUpperCase())
  assert.equal(await codeOf(ref, { certificate: one }), UNAUTHORIZED)
  client.send({ cmd: 'pingreq' })
  await client.receive('pingresp')
  await change('2'.repeat(64), '3'.repeat(64))
  await client.closed()
})

test('at once: devices of a CA that is removed, replaced or unverified lose their sessions, others stay', async () => {
  const authorities = await Promise.all(['one', 'two'].map((name) => issueAuthority(name)))
  const [one, two] = authorities
  assert.ok(one && two)
  await register('two', two)
  const stays = await createByAuthority()
  const staying = await dial({ certificate: await issue(refKey(stays), { issuer: two }) })
  const { client: bystander } = await login(staying.socket, stays)
  for (const revoke of [
    () => hub.certificates.remove('one', '*'),
    () => hub.certificates.put('one', { raw: one.der, isVerified: false }, '*'),
  ]) {
    await register('one', one)
    const ref = await createByAuthority()
    const certificate = await issue(refKey(ref), { issuer: one })
    const { socket, ticket } = await dial({ certificate })
    const { code, client } = await login(socket, ref)
    assert.equal(code, 0)
    await until(() => ticket() !== undefined, 'a ticket')
    await revoke()
    await client.closed()
    assert.equal(await codeOf(ref, { certificate }), UNAUTHORIZED)
    assert.equal(await codeOf(ref, { certificate, session: ticket() }), UNAUTHORIZED)
    await hub.certificates.remove('one', '*').catch(() => {})
  }
  bystander.send({ cmd: 'pingreq' })
  await bystander.receive('pingresp')
})

test('an unverified CA opens nothing; its proof of possession does', async () => {
  const late = await issueAuthority('late')
  await register('late', late, false)
  const ref = await createByAuthority()
  const certificate = await issue(refKey(ref), { issuer: late })
  assert.equal(await codeOf(ref, { certificate }), UNAUTHORIZED)
  const { verificationCode } = await hub.certificates.requestProof('late', '*')
  const proof = await issue(verificationCode ?? '', { issuer: late })
  await hub.certificates.verify('late', proof.der, '*')
  assert.equal(await codeOf(ref, { certificate }), 0)
})

test('a session ends with its certificate', async () => {
  const ref = await createByAuthority()
  const notAfter = new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000)
  const certificate = await issue(refKey(ref), { issuer: root, notAfter })
  const { expiresAtMs } = await hub.authenticator.connect(ref, {
    token: '',
    certificate: { raw: certificate.der, chain: [] },
  })
  assert.equal(expiresAtMs, notAfter.getTime())
  const { socket } = await dial({ certificate })
  const { code, client } = await login(socket, ref)
  assert.equal(code, 0)
  await client.closed()
  assert.ok(Date.now() >= notAfter.getTime())
})
