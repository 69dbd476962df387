import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type AmqpTestHub, deviceToken, policyToken, startAmqpHub } from '../amqp-hub.ts'
import { until } from '../hub.ts'

// A second opinion on the protocol: Apache Qpid Proton, whose C code shares nothing with ours.

const PYTHON = '/usr/bin/python3'
const PROGRAM = fileURLToPath(new URL('amqp-foreign.py', import.meta.url))
const DEADLINE_MS = 20_000
const PUMP = { deviceId: 'pump-1' }
const FAN = { deviceId: 'fan-1' }

const skip = await promisify(execFile)(PYTHON, ['-c', 'import proton']).then(
  () => false as const,
  () => 'python3 with proton (python3-qpid-proton) is not installed',
)
let folder: string
let hub: AmqpTestHub
let idle: Promise<readonly Fact[]> | undefined
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinward-proton-'))
  hub = await startAmqpHub()
  await hub.keyOf(PUMP)
  await writeFile(join(folder, 'ca.pem'), hub.ca)
  if (skip) return
  // It takes seconds, so it goes on beside the others.
  const token = await deviceToken(hub, FAN)
  idle = run('idle', { device: FAN.deviceId, token })
  idle.catch(() => {})
})
after(async () => {
  await hub[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** What the program says, line by line. */
type Fact = { readonly [name: string]: unknown }

/** Runs one scenario to its end. @param told  called for each line as it comes; `goOn` is a line back */
async function run(
  scenario: string,
  options: object = {},
  told: (fact: Fact, goOn: () => void) => void = () => {},
): Promise<readonly Fact[]> {
  const token = await deviceToken(hub, PUMP)
  const ca = join(folder, 'ca.pem')
  const all = { port: hub.port, ca, device: PUMP.deviceId, token, ...options }
  const child = spawn(PYTHON, [PROGRAM, scenario, JSON.stringify(all)], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: DEADLINE_MS,
  })
  const facts: Fact[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    const fact = JSON.parse(line) as Fact
    facts.push(fact)
    told(fact, () => child.stdin.end('\n'))
  })
  assert.deepEqual(await once(child, 'close'), [0, null])
  return facts
}

test('proton: telemetry in one transfer and in fifty is stored; too large is rejected, the link stays', {
  skip,
}, async () => {
  const facts = await run('telemetry')
  assert.deepEqual(
    facts.map(({ outcome }) => outcome),
    ['accepted', 'accepted', 'amqp:link:message-size-exceeded', 'accepted'],
  )
  const stored = (await hub.messages()).filter(({ ref }) => ref.deviceId === PUMP.deviceId)
  assert.deepEqual(
    stored.map(({ body }) => body.length),
    [5, 200_000, 4],
  )
  const [first] = stored
  assert.deepEqual(first?.system, { messageId: 'm-1', contentType: 'text/plain' })
  assert.deepEqual(first?.application, { colour: 'red', count: '5' })
})

test('proton: messages of the cloud, also in frames of 512 bytes, with every outcome', {
  skip,
}, async () => {
  for (const [messageId, bytes] of [
    ['a', 5],
    ['b', 60_000],
    ['c', 5],
  ] as const) {
    await hub.cloudMessages.send(PUMP, {
      ...{ system: { messageId }, ack: 'full', application: { colour: 'red' } },
      body: Buffer.alloc(bytes, 'x'),
    })
  }
  const settle = { a: ['accept'], b: ['release', 'reject'], c: ['modify', 'accept'] }
  const facts = await run('cloud_messages', { settle })
  assert.deepEqual(facts.map(({ id, bytes, count }) => [id, bytes, count]).sort(), [
    ['a', 5, 0],
    ['b', 60_000, 0],
    ['b', 60_000, 1],
    ['c', 5, 0],
    ['c', 5, 1],
  ])
  for (const { to, tag, properties } of facts) {
    assert.deepEqual([to, tag], ['/devices/pump-1/messages/deviceBound', 16])
    assert.deepEqual(properties, { 'iothub-ack': 'full', colour: 'red' })
  }
  await until(async () => (await hub.cloudMessages.count(PUMP)) === 0)
  const batch = await hub.feedback.receive()
  assert.deepEqual(
    batch?.records.map(({ originalMessageId, status }) => `${originalMessageId} ${status}`).sort(),
    ['a Success', 'b Rejected', 'c Success'],
  )
  await hub.feedback.complete(batch?.lockToken ?? '')
})

test('proton: a service sends to a device and hears what became of it', { skip }, async () => {
  const password = policyToken(hub, 'service')
  const facts = await run('service', { password }, ({ outcome }) => {
    if (outcome !== 'accepted') return
    hub.cloudMessages
      .receive(PUMP, 1)
      .then(([message]) => hub.cloudMessages.complete(PUMP, message?.lockToken ?? ''))
      .catch((error) => assert.fail(error))
  })
  const [good, stranger, feedback] = facts
  assert.deepEqual([good?.outcome, stranger?.outcome], ['accepted', 'amqp:not-found'])
  assert.equal(feedback?.content_type, 'application/vnd.microsoft.iothub.feedback.json')
  assert.equal(feedback?.user, 'localhost')
  const [record] = (feedback?.body ?? []) as readonly Fact[]
  assert.deepEqual([record?.originalMessageId, record?.statusCode], ['c-1', 'Success'])
  await until(async () => (await hub.feedback.receive()) === undefined, 'no feedback is left')
})

test('proton: a twin is read, patched and followed', { skip }, async () => {
  const facts = await run('twin', {}, ({ ready }) => {
    if (ready) hub.twins.patch(PUMP, { desired: { rpm: 900 } }).catch((error) => assert.fail(error))
  })
  const [patched, refused, read, subscribed, , change] = facts
  assert.deepEqual([patched?.id, patched?.status, patched?.version], ['PATCH', 200, 2])
  assert.deepEqual([refused?.id, refused?.status], ['PATCH', 400])
  assert.match(JSON.parse(String(refused?.body)).message ?? '', /./)
  const { reported, desired } = JSON.parse(String(read?.body))
  assert.deepEqual([read?.status, reported.fw, desired.$version], [200, '1.1', 1])
  assert.deepEqual([subscribed?.id, subscribed?.status], ['PUT', 200])
  assert.deepEqual(change, {
    ...{ id: null, resource: '/properties/desired', body: { rpm: 900, $version: 2 } },
  })
})

test('proton: a bad token, an address that there is not and a wrong password are refused, no more', {
  skip,
}, async () => {
  const good = await deviceToken(hub, PUMP)
  const facts = await run('refusals', { token: good.replace(/sig=[^&]*/, 'sig=AAAA'), good })
  assert.deepEqual(facts.slice(0, 4), [
    { status: 401 },
    { condition: 'amqp:not-found' },
    { status: 200 },
    { outcome: 'accepted' },
  ])
  assert.match(String(facts[4]?.refusal), /uth/)
})

test('proton: a frame over the size of our open ends the connection, and proton reads why', {
  skip,
}, async () => {
  const facts = await run('oversized')
  assert.deepEqual(facts, [{ limit: 65_536, condition: 'amqp:connection:framing-error' }])
})

test('proton: a close is answered, and nothing of the connection is left', { skip }, async () => {
  const isConnected: boolean[] = []
  const facts = await run('close', {}, ({ ready }, goOn) => {
    if (!ready) return
    isConnected.push(hub.sessions.isConnected(PUMP))
    goOn()
  })
  assert.deepEqual(facts, [{ ready: true }, { closed: true, condition: null }])
  assert.deepEqual(isConnected, [true])
  await until(() => !hub.sessions.isConnected(PUMP))
})

test('proton: signs of life come in time for four seconds, and ours are announced', {
  skip,
}, async () => {
  const facts = (await idle) ?? []
  const { announced, silent } = facts.find((fact) => 'announced' in fact) ?? {}
  assert.equal(announced, 240)
  assert.ok(Number(silent) >= 5, `${silent} s`)
  assert.equal(facts.at(-1)?.outcome, 'accepted')
  await until(() => hub.gateway.connectionCount === 0 && hub.sessions.count === 0)
})
