import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { connectAsync } from 'mqtt'
import { DEADLINE_MS, type MqttTestHub, makeToken, startMqttHub, until } from '../hub.ts'
import { EVENTS, pump } from '../mqtt-bench.ts'

const run = promisify(execFile)
const C2D = 'devices/pump-1/messages/devicebound/#'
const USER = 'localhost/pump-1/?api-version=2021-04-12'
const NAME = 'devices/pump-1/messages/devicebound/'

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinward-mqtt-'))
})
after(() => rm(folder, { recursive: true }))

for (const version of ['311', '5'] as const) {
  test(`mosquitto_pub -V ${version}: a message with its properties is stored before it exits`, async (t) => {
    if (!(await isInstalled('mosquitto_pub', t))) return
    await using hub = await startMqttHub()
    const user = ['-D', 'publish', 'user-property', 'taste', 'sweet']
    await run('mosquitto_pub', [
      ...(await login(hub, version)),
      ...['-q', '1', '-t', `${EVENTS}colour=red`, '-m', 'hello'],
      ...(version === '5' ? [...user, '-D', 'publish', 'content-type', 'text/plain'] : []),
    ])
    const [message] = await hub.messages()
    assert.equal(String(message?.body), 'hello')
    const expected = version === '5' ? { colour: 'red', taste: 'sweet' } : { colour: 'red' }
    assert.deepEqual(message?.application, expected)
    if (version === '5') assert.equal(message?.system.contentType, 'text/plain')
  })

  test(`mosquitto_pub -V ${version}: a wrong password is refused`, async (t) => {
    if (!(await isInstalled('mosquitto_pub', t))) return
    await using hub = await startMqttHub()
    const options = [...(await login(hub, version)), '-P', 'secret', '-t', EVENTS, '-m', 'x']
    await assert.rejects(run('mosquitto_pub', options), { code: version === '5' ? 135 : 5 })
  })

  test(`mosquitto_sub -V ${version}: cloud-to-device messages come and are completed`, async (t) => {
    if (!(await isInstalled('mosquitto_sub', t))) return
    await using hub = await startMqttHub()
    const options = [...(await login(hub, version)), '-q', '1', '-t', C2D, '-C', '2', '-v']
    const child = spawn('mosquitto_sub', options, { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = outputOf(child)
    for (const text of ['first', 'second']) {
      await hub.cloudMessages.send(pump, message(text, { colour: 'red' }))
    }
    assert.deepEqual(
      (await lines).map((line) => line.replace(/^.*&colour=red /, '')),
      ['first', 'second'],
    )
    assert.ok((await lines).every((line) => line.startsWith(`${NAME}%24.mid=`)))
    await until(async () => (await hub.cloudMessages.count(pump)) === 0)
  })
}

test('mqtt.js 5: messages both ways, with their properties; a refusal is an error, not an end', async () => {
  await using hub = await startMqttHub()
  const client = await connectAsync({
    protocol: 'mqtts',
    protocolVersion: 5,
    host: 'localhost',
    port: hub.port,
    ca: hub.ca,
    clientId: 'pump-1',
    username: USER,
    password: makeToken(await hub.keyOf(pump), pump),
    reconnectPeriod: 0,
    properties: { sessionExpiryInterval: 3600, receiveMaximum: 4 },
  })
  const properties = { userProperties: { a: 'b' }, contentType: 'text/plain' }
  await client.publishAsync(EVENTS, 'x', { qos: 1, properties })
  const [stored] = await hub.messages()
  assert.deepEqual([stored?.application, stored?.system.contentType], [{ a: 'b' }, 'text/plain'])
  await assert.rejects(client.publishAsync('a/b', 'x', { qos: 1 }), /Topic Name invalid/)
  await client.subscribeAsync(C2D, { qos: 1 })
  const texts: string[] = []
  client.on('message', (_topic, payload) => void texts.push(String(payload)))
  for (let n = 0; n < 9; n++) await hub.cloudMessages.send(pump, message(String(n), {}))
  await until(() => texts.length === 9)
  assert.deepEqual(texts, ['0', '1', '2', '3', '4', '5', '6', '7', '8'])
  await until(async () => (await hub.cloudMessages.count(pump)) === 0)
  await client.endAsync()
})

const PAHO = `
import ssl, sys
import paho.mqtt.client as mqtt
port, ca, user, password, protocol, topic, filter = sys.argv[1:8]
options = {'protocol': mqtt.MQTTv5 if protocol == '5' else mqtt.MQTTv311}
if hasattr(mqtt, 'CallbackAPIVersion'):
    options['callback_api_version'] = mqtt.CallbackAPIVersion.VERSION1
client = mqtt.Client('pump-1', **options)
client.username_pw_set(user, password)
client.tls_set(ca, tls_version=ssl.PROTOCOL_TLS_CLIENT)
def connected(client, *_): client.subscribe(filter, 1)
def subscribed(client, *_): client.publish(topic, 'from paho', 1)
messages = []
def received(client, _, message): messages.append(message)
client.on_connect, client.on_subscribe, client.on_message = connected, subscribed, received
client.connect('localhost', int(port), 60)
while not messages: client.loop(0.1)
client.loop(0.1) # PUBACK leaves after the callback
client.disconnect()
print(messages[0].topic, messages[0].payload.decode())
`

for (const version of ['311', '5']) {
  test(`paho ${version}: telemetry and a cloud-to-device message`, async (t) => {
    if (!(await hasPaho(t))) return
    await using hub = await startMqttHub()
    const password = makeToken(await hub.keyOf(pump), pump)
    const ca = await caFile(hub)
    const options = ['-c', PAHO, String(hub.port), ca, USER, password, version, EVENTS, C2D]
    const child = spawn('/usr/bin/python3', options, { stdio: ['ignore', 'pipe', 'inherit'] })
    const lines = outputOf(child)
    await until(async () => (await hub.messages()).length === 1, 'the message of paho')
    await hub.cloudMessages.send(pump, message('to paho', { colour: 'red' }))
    assert.match((await lines)[0] ?? '', /devicebound\/.*&colour=red to paho$/)
    await until(async () => (await hub.cloudMessages.count(pump)) === 0)
  })
}

async function login(hub: MqttTestHub, version: string): Promise<readonly string[]> {
  const token = makeToken(await hub.keyOf(pump), pump)
  const target = ['-h', 'localhost', '-p', String(hub.port), '--cafile', await caFile(hub)]
  return [...target, '-V', version, '-i', 'pump-1', '-u', USER, '-P', token]
}

async function caFile(hub: MqttTestHub): Promise<string> {
  const path = join(folder, 'ca.pem')
  await writeFile(path, hub.ca)
  return path
}

/** The lines that a program printed until it ended well. */
async function outputOf(child: ChildProcess): Promise<readonly string[]> {
  const chunks: Buffer[] = []
  child.stdout?.on('data', (chunk: Buffer) => void chunks.push(chunk))
  const timer = setTimeout(() => child.kill(), DEADLINE_MS)
  const [code] = await once(child, 'close')
  clearTimeout(timer)
  assert.equal(code, 0)
  return Buffer.concat(chunks).toString().trimEnd().split('\n')
}

async function isInstalled(program: string, t: TestContext): Promise<boolean> {
  try {
    await run('which', [program])
    return true
  } catch {
    t.skip(`${program} is not installed`)
    return false
  }
}

async function hasPaho(t: TestContext): Promise<boolean> {
  try {
    await run('/usr/bin/python3', ['-c', 'import paho.mqtt.client'])
    return true
  } catch {
    t.skip('python3 with paho-mqtt is not installed')
    return false
  }
}

function message(text: string, application: Record<string, string>) {
  return { system: {}, ack: 'none' as const, application, body: Buffer.from(text) }
}
