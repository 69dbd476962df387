import assert from 'node:assert/strict'
import { test } from 'node:test'
import { METHOD_REQUESTS, TWIN_RESPONSES } from '@twinward/protocol'
import type { IConnectPacket, Packet } from 'mqtt-packet'
import { until } from '../hub.ts'
import { agent, bench, EVENTS, pump, REPORTED, settled } from '../mqtt-bench.ts'
import { connectRaw, publishPacket, type RawClient } from '../raw-mqtt.ts'

// What the SDKs of other languages put on the wire, from their sources: user names, keep-alives,
// filters, levels of QoS and request ids (03 §2 and §12).

const DESIRED = '$iothub/twin/PATCH/properties/desired/#'
const C2D = 'devices/pump-1/messages/devicebound/#'

interface Quirk {
  readonly connect: Partial<IConnectPacket>
  /** Filters of one SUBSCRIBE each. */
  readonly subscribes: readonly (readonly string[])[]
  readonly subscribeQos: 0 | 1
  /** Of everything under `$iothub/`. */
  readonly requestQos: 0 | 1
  readonly rid: string
  readonly bag: string
}

const NODE = '/?api-version=2021-04-12&DeviceClientType=azure-iot-device%2F1.18.3%20(node)'
const C = '/?api-version=2020-09-30&DeviceClientType=iothubclient%2F1.9.1%20(native%3B%20Linux)'
const PYTHON = '/?api-version=2019-10-01&DeviceClientType=azure-iot-device-iothub-py%2F2.12.0'
const CSHARP =
  '/?api-version=2020-09-30&DeviceClientType=.NET%2F1.41.3%20%28.NET%206.0%3B%20Linux%29'
const JAVA =
  '/?api-version=2020-09-30&DeviceClientType=com.microsoft.azure.sdk.iot.iot-device-client%2F1.31'

const quirks: Readonly<Record<string, Quirk>> = {
  'the Node SDK': {
    connect: { username: `localhost/pump-1${NODE}`, keepalive: 180, clean: false },
    subscribes: [[TWIN_RESPONSES], [DESIRED], [METHOD_REQUESTS], [C2D]],
    subscribeQos: 0,
    requestQos: 0,
    rid: 'a54e8ff4-6e3f-4a0e-8e4c-b3a4b3b2f001',
    bag: '%24.mid=1&%24.ct=application%2Fjson&a%20b=c%2Fd',
  },
  'the Python SDK, everything at QoS 1': {
    connect: { username: `localhost/pump-1${PYTHON}`, keepalive: 60, clean: false },
    subscribes: [[TWIN_RESPONSES], [DESIRED], [METHOD_REQUESTS], [C2D]],
    subscribeQos: 1,
    requestQos: 1,
    rid: '0d3a3b3e-7c41-4b51-9f0a-000000000001',
    bag: '%24.mid=1&%24.ce=utf-8&%24.ct=application%2Fjson&a=b',
  },
  'the C SDK, all filters in one SUBSCRIBE': {
    connect: { username: `localhost/pump-1${C}`, keepalive: 240, clean: false },
    subscribes: [[C2D, TWIN_RESPONSES, DESIRED, METHOD_REQUESTS, 'a/filter/of/nobody']],
    subscribeQos: 0,
    requestQos: 0,
    rid: '2',
    bag: '%24.mid=1&%24.ce=application%2fjson&a=b',
  },
  'the C# SDK': {
    connect: { username: `localhost/pump-1${CSHARP}`, keepalive: 300, clean: false },
    subscribes: [[C2D], [METHOD_REQUESTS], [TWIN_RESPONSES], [DESIRED]],
    subscribeQos: 1,
    requestQos: 0,
    rid: '2f1c9a9b6cb74cf0a0cbb3c9a2f1c001',
    bag: '%24.mid=1&%24.schema=x&a=b',
  },
  'the Java SDK, everything at QoS 1 and system keys with a bare $': {
    connect: { username: `localhost/pump-1${JAVA}`, keepalive: 230, clean: false },
    subscribes: [[METHOD_REQUESTS], [TWIN_RESPONSES], [DESIRED], [C2D]],
    subscribeQos: 1,
    requestQos: 1,
    rid: 'f1d2c3b4-0000-4000-8000-1234567890ab',
    bag: '$.mid=1&$.ct=application/json&a=b',
  },
}

for (const [name, quirk] of Object.entries(quirks)) {
  test(`${name}: connects, subscribes, sends, uses its twin and answers a method`, async () => {
    await using b = bench()
    const client = await connectRaw(b, pump, quirk.connect)
    // Telemetry comes before any SUBSCRIBE (13, quirk 13).
    client.publish(`${EVENTS}${quirk.bag}`, '{}', 1)
    await client.receive('puback')
    assert.equal((await b.hub.messages())[0]?.system.messageId, '1')

    const granted: (number | object)[] = []
    for (const [index, filters] of quirk.subscribes.entries()) {
      client.subscribeAt(quirk.subscribeQos, ...filters)
      granted.push(...((await client.receive('suback', index + 1))[index]?.granted ?? []))
    }
    const isMine = (filter: string) => filter.startsWith('$iothub/') || filter === C2D
    assert.deepEqual(
      granted,
      quirk.subscribes.flat().map((filter) => (isMine(filter) ? quirk.subscribeQos : 0x80)),
    )

    const id = quirk.requestQos === 0 ? 0 : 2
    client.publish(`$iothub/twin/GET/?$rid=${quirk.rid}`, ' ', id)
    client.publish(`${REPORTED}?$rid=${quirk.rid}`, '{"a":1}', id && 3)
    const [twin, patched] = await client.receive('publish', 2)
    assert.equal(twin?.topic, `$iothub/twin/res/200/?$rid=${quirk.rid}`)
    assert.equal(patched?.topic, `$iothub/twin/res/204/?$rid=${quirk.rid}&$version=2`)
    assert.deepEqual([twin?.qos, patched?.qos], [0, 0])

    await b.hub.twins.patch(pump, { desired: { fan: 1 } })
    const change = (await client.receive('publish', 3))[2]
    assert.equal(change?.topic, '$iothub/twin/PATCH/properties/desired/?$version=2')
    assert.equal(String(change?.payload), '{"fan":1,"$version":2}')
    assert.equal(change?.qos, 0)

    await answerMethod(client, b.hub, id && 4)
    const acks = client.packets.flatMap((packet) =>
      packet.cmd === 'puback' ? [packet.messageId] : [],
    )
    assert.deepEqual(acks, quirk.requestQos === 0 ? [1] : [1, 2, 3, 4])
    await settled(client)
  })
}

async function answerMethod(
  client: RawClient,
  hub: Parameters<typeof connectRaw>[0]['hub'],
  messageId: number,
): Promise<void> {
  const call = { name: 'reboot', payload: null, responseTimeoutMs: 5000, connectTimeoutMs: 0 }
  const result = hub.methods.invoke(pump, call)
  const request = (await client.receive('publish', 4))[3]
  // C#: the fifth segment is `?$rid=` and all of the rest is the rid.
  const [, , , name, query, ...more] = request?.topic.split('/') ?? []
  assert.deepEqual([name, query?.slice(0, 6), more], ['reboot', '?$rid=', []])
  assert.equal(request?.qos, 0)
  client.publish(`$iothub/methods/res/200/?$rid=${query?.slice(6)}`, '{}', messageId)
  assert.deepEqual(await result, { status: 200, payload: '{}' })
  if (messageId > 0) await until(() => client.packets.at(-1)?.cmd === 'puback', 'its PUBACK')
}

test('the C SDK: re-publishes with DUP after a minute; both are kept, the second is marked', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  const packet = publishPacket(`${EVENTS}a=b`, 'x', 7)
  client.send(packet, { ...packet, dup: true } as Packet)
  const acks = await client.receive('puback', 2)
  assert.deepEqual(
    acks.map(({ messageId }) => messageId),
    [7, 7],
  )
  assert.deepEqual(
    (await b.hub.messages()).map(({ application }) => application),
    [{ a: 'b' }, { a: 'b', 'mqtt-dup': 'true' }],
  )
})

test('the C SDK: several twin GETs at once, ids from 1 to 65535, each with its own answer', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.subscribe(TWIN_RESPONSES)
  const rids = ['1', '2', '65535', '2']
  for (const rid of rids) client.publish(`$iothub/twin/GET/?$rid=${rid}`)
  const answers = await client.receive('publish', 4)
  assert.deepEqual(
    answers.map(({ topic }) => topic.split('/')),
    rids.map((rid) => ['$iothub', 'twin', 'res', '200', `?$rid=${rid}`]),
  )
})

test('a request id goes back byte for byte, whatever it is', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.subscribe(TWIN_RESPONSES)
  const rids = ['%41%2f', 'a b', 'ü', 'a=b', 'A'.repeat(300), '0', '$version', 'a/b']
  for (const rid of rids) client.publish(`${REPORTED}?$rid=${rid}`, '{}')
  for (const rid of rids) client.publish(`$iothub/twin/GET/?$rid=${rid}`)
  const answers = await client.receive('publish', 2 * rids.length)
  assert.deepEqual(
    answers.map(({ topic }) => /\?\$rid=(.*?)(&\$version=\d+)?$/.exec(topic)?.[1]),
    [...rids, ...rids],
  )
})

test('the Python SDK: an unanswered SUBSCRIBE is sent again, and QoS 1 on a topic with 0 granted too', async () => {
  await using b = bench()
  const client = await connectRaw(b, pump)
  client.subscribeAt(1, TWIN_RESPONSES)
  client.subscribeAt(1, TWIN_RESPONSES)
  assert.equal((await client.receive('suback', 2)).length, 2)
})

test('the Node SDK for modules: inputs, an output and the twin under one connection', async () => {
  await using b = bench()
  const username = `localhost/pump-1/agent${NODE}`
  const client = await connectRaw(b, agent, { username, keepalive: 180, clean: false })
  client.subscribeAt(1, 'devices/pump-1/modules/agent/inputs/#')
  assert.deepEqual((await client.receive('suback'))[0]?.granted, [1])
  client.publish('devices/pump-1/modules/agent/messages/events/%24.on=out1&a=b', 'x', 1)
  await client.receive('puback')
  const [message] = await b.hub.messages()
  assert.deepEqual([message?.system, message?.application], [{ outputName: 'out1' }, { a: 'b' }])
})

test('the C and C# SDKs for modules: the filter over everything of the module', async () => {
  await using b = bench()
  const client = await connectRaw(b, agent, { username: `localhost/pump-1/agent${C}` })
  client.subscribeAt(1, 'devices/pump-1/modules/agent/#')
  assert.deepEqual((await client.receive('suback'))[0]?.granted, [1])
})

test('a model id without percent-encoding, as the Node SDK sends it, and with, as the others do', async () => {
  await using b = bench()
  for (const [index, modelId] of ['dtmi:com:x:Pump;1', 'dtmi%3acom%3Ax%3APump%3B2'].entries()) {
    const username = `localhost/pump-1/?api-version=2021-04-12&model-id=${modelId}&DeviceClientType=x`
    await connectRaw(b, pump, { username })
    const expected = `dtmi:com:x:Pump;${index + 1}`
    await until(async () => (await b.hub.identities.get(pump)).identity.modelId === expected)
  }
})
