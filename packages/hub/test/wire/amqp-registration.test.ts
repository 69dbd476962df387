import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Delivery } from 'rhea'
import { deriveKey } from '../../src/provisioning/attestation.ts'
import {
  type AmqpTestHub,
  attachReceiver,
  attachSender,
  connectRaw,
  type RawClient,
  type Receiver,
  receive,
  rhea,
  type Sender,
  send,
  startAmqpHub,
} from '../amqp-hub.ts'
import { issue, issueAuthority } from '../certificate.ts'
import { TestClock } from '../clock.ts'
import { enrol, GROUP_KEY, ID_SCOPE, OTHER_KEY, registrationToken } from '../provisioning.ts'

// Registration over AMQP (11 §3.4), message by message; the SDK's own way is in server/test/wire.

const UNAUTHORIZED = { name: 'amqp:unauthorized-access' }
const clock = new TestClock(Date.now())
let hub: AmqpTestHub
before(async () => {
  hub = await startAmqpHub({ clock })
  await enrol(hub, 'group', 'plant')
})
after(() => hub[Symbol.asyncDispose]())

interface Device extends AsyncDisposable {
  readonly client: RawClient
  readonly sender: Sender
  readonly receiver: Receiver
}

function addressOf(id: string): string {
  return `${ID_SCOPE}/registrations/${id}`
}

function login(id: string, key = deriveKey(GROUP_KEY, id)) {
  return { username: addressOf(id), password: registrationToken(id, key) }
}

async function connect(id: string, options: object = login(id)): Promise<Device> {
  const client = await connectRaw(hub, options)
  const session = client.session()
  const properties = { 'com.microsoft:api-version': '2019-03-31' }
  const receiver = await attachReceiver(session, addressOf(id), { properties })
  const sender = await attachSender(session, addressOf(id), { properties })
  return { client, sender, receiver, [Symbol.asyncDispose]: client[Symbol.asyncDispose] }
}

interface RequestChanges {
  readonly properties?: object
  readonly body?: unknown
  readonly correlation_id?: string | null
}

function register(
  registrationId: string,
  { properties = {}, ...message }: RequestChanges = {},
): object {
  return {
    correlation_id: randomUUID(),
    application_properties: {
      'iotdps-operation-type': 'iotdps-register',
      'iotdps-forceRegistration': false,
      ...properties,
    },
    body: rhea.message.data_section(Buffer.from(JSON.stringify({ registrationId }))),
    ...message,
  }
}

async function ask({ sender, receiver }: Device, message: object) {
  const answer = receive(receiver)
  assert.equal(await send(sender, message), 'accepted')
  const [context] = await answer
  const { body, application_properties: properties, correlation_id: id } = context?.message ?? {}
  return { id, properties, body: JSON.parse(String(body.content)) }
}

/** The error of a rejection, with its description parsed. */
async function rejection({ sender }: Device, message: object) {
  const state = await new Promise<Delivery['remote_state']>((resolve) => {
    sender.once('rejected', ({ delivery }) => resolve(delivery?.remote_state))
    sender.send(message as never)
  })
  const { condition, description, info } = (state as unknown as { error: Rejection }).error
  return { condition, info, body: JSON.parse(description) }
}

interface Rejection {
  readonly condition: string
  readonly description: string
  readonly info: { readonly [name: string]: unknown }
}

test('register by a key, then ask for the operation: answered by correlation id, with when to ask again', async () => {
  await using device = await connect('pump-1')
  const first = await ask(
    device,
    register('pump-1', {
      correlation_id: 'mine',
      body: rhea.message.data_section(
        Buffer.from('{"registrationId":"PUMP-1","payload":{"any":["thing"]}}'),
      ),
    }),
  )
  assert.deepEqual([first.id, first.properties], ['mine', { 'retry-after': 3 }])
  assert.equal(first.body.status, 'assigned')
  const { assignedHub, deviceId } = first.body.registrationState
  assert.deepEqual([assignedHub, deviceId], ['localhost', 'pump-1'])
  const id = rhea.types.wrap_uuid(randomBytes(16))
  const operation = {
    'iotdps-operation-type': 'iotdps-get-operationstatus',
    'iotdps-operation-id': first.body.operationId,
  }
  const poll = { correlation_id: id, application_properties: operation, body: '' }
  const second = await ask(device, poll)
  assert.deepEqual(second.body, first.body)
  assert.deepEqual(second.id, (id as unknown as { value: Buffer }).value)
  operation['iotdps-operation-id'] = '5.0.nothing'
  const unknown = await rejection(device, poll)
  assert.deepEqual([unknown.condition, unknown.body.errorCode], ['amqp:not-found', 404202])
  assert.equal(unknown.info['retry-after'], undefined)
  assert.equal(hub.sessions.count, 0, 'it is no session of the device')
})

test('register again, forced or not: the same assignment, and the device is what it was', async () => {
  const results: object[] = []
  for (const isForced of [false, true, true]) {
    await using device = await connect('pump-2')
    const properties = { 'iotdps-forceRegistration': isForced }
    results.push((await ask(device, register('pump-2', { properties }))).body)
  }
  assert.deepEqual(results[1], results[0])
  assert.deepEqual(results[2], results[0])
})

test('register by a certificate: without SASL and with EXTERNAL; another one, or none, is refused', async () => {
  const signer = await issueAuthority('line 1')
  const attestation = { type: 'x509', signingCertificates: { primary: signer.der } }
  await enrol(hub, 'group', 'line', { attestation })
  const { cert, key } = await issue('pump-3', { issuer: signer })
  const external = rhea.sasl.client_mechanisms() as unknown as { enable_external(): void }
  external.enable_external()
  for (const options of [
    { cert, key },
    { cert, key, sasl_mechanisms: external },
  ]) {
    await using device = await connect('pump-3', options)
    const { body } = await ask(device, register('pump-3'))
    assert.equal(body.registrationState.deviceId, 'pump-3')
  }
  await assert.rejects(connect('pump-4', { cert, key }), UNAUTHORIZED)
  const stranger = await issue('pump-3')
  await assert.rejects(connect('pump-3', { cert: stranger.cert, key: stranger.key }), UNAUTHORIZED)
  await assert.rejects(connect('pump-3', {}), UNAUTHORIZED)
})

test('SASL PLAIN: a wrong key, another id or scope, and TPM are refused before the connection opens', async () => {
  const other = `0ne00000009/registrations/pump-1`
  for (const options of [
    login('pump-1', OTHER_KEY),
    { ...login('pump-1'), username: addressOf('pump-5') },
    { ...login('pump-1'), username: other },
    { username: addressOf('pump-1'), password: 'SharedAccessSignature sr=x' },
  ]) {
    await assert.rejects(connectRaw(hub, options), /authenticate/i)
  }
  const tpm = {
    name: 'TPM',
    start: (callback: (error: undefined, init: Buffer) => void) =>
      callback(undefined, Buffer.from(`\0${ID_SCOPE}\0pump-1\0key`)),
    step: () => assert.fail('there is no challenge'),
  }
  const mechanisms = { TPM: () => tpm }
  await assert.rejects(connectRaw(hub, { sasl_mechanisms: mechanisms } as never), /TPM|mechanism/)
})

test('a connection for one registration id opens no other address', async () => {
  await using device = await connect('pump-6')
  const session = device.client.session()
  await assert.rejects(attachSender(session, addressOf('pump-7')), UNAUTHORIZED)
  const early = attachSender(session, '/devices/pump-6/messages/events')
  const refused = assert.rejects(early, UNAUTHORIZED)
  await ask(device, register('pump-6'))
  clock.advance(32_000)
  await refused
})

test('what is wrong with a request is said in the rejection, and the link stays', async () => {
  await using device = await connect('pump-8')
  const text = (body: string) => ({ body: rhea.message.data_section(Buffer.from(body)) })
  for (const [message, pattern, condition = 'com.microsoft:argument-error'] of [
    [register('pump-9'), /registrationId/],
    [register('pump-8', text('[]')), /registrationId/],
    [register('pump-8', text('{')), /JSON/, 'amqp:invalid-field'],
    [register('pump-8', { correlation_id: null }), /correlation-id/],
    [register('pump-8', { properties: { 'iotdps-operation-type': 'other' } }), /operation-type/],
    [
      register('pump-8', { properties: { 'iotdps-forceRegistration': 'yes' } }),
      /forceRegistration/,
    ],
    [
      register('pump-8', { properties: { 'iotdps-operation-type': 'iotdps-get-operationstatus' } }),
      /operation-id/,
    ],
    [
      register('pump-8', text(`{"payload":"${'x'.repeat(70_000)}"}`)),
      /65536 bytes/,
      'amqp:link:message-size-exceeded',
    ],
  ] as const) {
    const { condition: told, info, body } = await rejection(device, message)
    assert.match(body.message, pattern)
    assert.equal(told, condition, body.message)
    assert.equal(info['com.microsoft:error-code'], body.errorCode)
    assert.equal(info['retry-after'], undefined)
  }
  const session = device.client.session()
  const alone = await attachSender(session, addressOf('pump-8'))
  const { body } = await rejection({ ...device, sender: alone }, register('pump-8'))
  assert.match(body.message, /receiver/)
  assert.equal((await ask(device, register('pump-8'))).body.status, 'assigned')
})

test('who asks too often is told to come back, as over MQTT and HTTPS', async () => {
  await using device = await connect('pump-10')
  let refusal: Awaited<ReturnType<typeof rejection>> | undefined
  device.receiver.add_credit(100)
  device.sender.on('rejected', () => {})
  for (let n = 0; n < 40 && !refusal; n++) {
    const outcome = await send(device.sender, register('pump-10'))
    if (outcome !== 'accepted') refusal = await rejection(device, register('pump-10'))
  }
  assert.equal(refusal?.condition, 'com.microsoft:device-container-throttled')
  assert.equal(refusal?.info['retry-after'], 3)
  await assert.rejects(connectRaw(hub, login('pump-10')), /authenticate/i)
  clock.advance(10_000)
  assert.equal(await send(device.sender, register('pump-10')), 'accepted')
})

test('too many requests at once are rejected; those under way are answered', async () => {
  await using device = await connect('pump-11')
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, () => send(device.sender, register('pump-11'))),
  )
  const throttled = 'com.microsoft:device-container-throttled'
  assert.deepEqual([...new Set(outcomes)].sort(), ['accepted', throttled])
})

test('a registration does not take longer than ten minutes', async () => {
  await using device = await connect('pump-12')
  const { connection } = device.client
  const ended = new Promise((resolve) => connection.once('connection_close', resolve))
  connection.on('connection_error', () => {})
  clock.advance(300_000)
  await ask(device, register('pump-12'))
  clock.advance(297_000)
  await ask(device, register('pump-12'))
  clock.advance(5000)
  await ended
  assert.equal((connection.error as { condition?: string }).condition, 'amqp:connection:forced')
})

test('an enrolment that is disabled or removed while the device is connected: it is told', async () => {
  const attestation = {
    type: 'symmetricKey',
    symmetricKey: { primaryKey: OTHER_KEY, secondaryKey: GROUP_KEY },
  }
  const { etag } = await enrol(hub, 'individual', 'pump-13', { attestation })
  await using device = await connect('pump-13', login('pump-13', OTHER_KEY))
  const { enrollments } = hub.provisioning
  const key = { kind: 'individual', id: 'pump-13' } as const
  const write = { attestation: { type: 'symmetricKey' }, provisioningStatus: 'disabled' } as const
  const disabled = await enrollments.put(key, write, etag)
  const { body } = await ask(device, register('pump-13'))
  assert.deepEqual([body.status, body.registrationState.assignedHub], ['disabled', undefined])
  await enrollments.remove('individual', 'pump-13', disabled.etag)
  const { condition, body: refused } = await rejection(device, register('pump-13'))
  assert.deepEqual([condition, refused.errorCode], ['amqp:unauthorized-access', 401002])
})

test('an unusual spelling of the address leads to the same registration', async () => {
  const client = await connectRaw(hub, login('pump-14'))
  const session = client.session()
  const address = `amqps://localhost:5671/${ID_SCOPE.toUpperCase()}/Registrations/PUMP%2D14/`
  const receiver = await attachReceiver(session, address)
  const sender = await attachSender(session, address)
  const device = { client, sender, receiver, [Symbol.asyncDispose]: client[Symbol.asyncDispose] }
  assert.equal((await ask(device, register('pump-14'))).body.status, 'assigned')
  await client[Symbol.asyncDispose]()
})
