import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import mqtt from 'mqtt'
import { identityToken, startTestServer, until } from '../server.ts'

const folder = process.env.TWINWARD_SECURITY_SAMPLES
const skip = folder === undefined && 'TWINWARD_SECURITY_SAMPLES names no folder'
const DEVICE = 'dev-agent-1'
const MODULE = 'azureiotsecurity'

interface Recorded {
  readonly topic: string
  readonly body: { readonly Events: readonly { readonly Payload: readonly unknown[] }[] }
}

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join(folder ?? '', name), 'utf8'))
}

test('what the published C agent really sent goes through whole', { skip }, async () => {
  await using server = await startTestServer()
  const { call, host, ready } = server
  await call('PUT', `/devices/${DEVICE}`, { body: { deviceId: DEVICE } })
  const { body: identity } = await call('GET', `/devices/${DEVICE}/modules/${MODULE}`)
  const client = await mqtt.connectAsync({
    protocol: 'mqtts',
    host,
    port: ready.mqttPort,
    ca: readFileSync(server.caFile),
    clientId: `${DEVICE}/${MODULE}`,
    username: `${host}/${DEVICE}/${MODULE}/?api-version=2020-09-30`,
    password: identityToken(`${host}/devices/${DEVICE}/modules/${MODULE}`, identity),
    reconnectPeriod: 0,
  })
  const reported = read<object>('agent-c-0.0.6-reported.json')
  await client.publishAsync(
    '$iothub/twin/PATCH/properties/reported/?$rid=1',
    JSON.stringify(reported),
    { qos: 1 },
  )
  let rows = 0
  for (const number of [1, 2, 3]) {
    const { topic, body } = read<Recorded>(`agent-c-0.0.6-${number}.json`)
    await client.publishAsync(topic, JSON.stringify(body), { qos: 1 })
    for (const { Payload } of body.Events) rows += Math.max(1, Payload.length)
  }
  await client.endAsync()

  let stored = 0
  await until(async () => {
    stored = 0
    let token = ''
    do {
      const page = await call(
        'GET',
        `/api/security/events?device=${DEVICE}&limit=1000&continuationToken=${encodeURIComponent(token)}`.replace(
          /&continuationToken=$/,
          '',
        ),
      )
      stored += page.body.items.length
      token = page.body.continuationToken ?? ''
    } while (token !== '')
    return stored >= rows
  })
  assert.equal(stored, rows, 'one row per payload element, none twice')
  const { body: rejected } = await call('GET', `/api/security/rejected?device=${DEVICE}`)
  assert.deepEqual(rejected.items, [])

  const { body: config } = await call('GET', `/api/devices/${DEVICE}/security/config`)
  assert.equal(config.reported.snapshotFrequency, 'PT15S')
  assert.deepEqual(config.unreadable, [])
  assert.ok(
    config.drift.some(({ name }: { name: string }) => name === 'snapshotFrequency'),
    'the agent ran another configuration than this hub wants',
  )
  const { body: whole } = await call('GET', `/api/devices/${DEVICE}/security`)
  assert.equal(whole.agent.version, '0.0.5')
})
