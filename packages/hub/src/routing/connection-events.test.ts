import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DeviceRef, SECURITY_INTERFACE_ID } from '@twinward/protocol'
import { makeHub, type TestHub } from '../../test/hub.ts'
import type { StampedMessage } from '../messages/event-log.ts'
import type { Credential } from '../registry/authenticator.ts'
import type { LiveSession } from '../sessions/sessions.ts'

const PUMP = { deviceId: 'pump-1' }
const MODULE = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
const CREDENTIAL = { authMethod: '{}', generationId: '1' } as Credential

/** A hub with a route for what is told here. */
async function routedHub(): Promise<TestHub> {
  const hub = makeHub()
  const route = { source: 'DeviceConnectionStateEvents', endpointNames: ['events'] }
  await hub.routing.putRoute('connections', route, undefined)
  return hub
}

async function stored(hub: TestHub): Promise<readonly StampedMessage[]> {
  return (await hub.messages()) as readonly StampedMessage[]
}

async function told(hub: TestHub): Promise<readonly string[]> {
  const messages = await stored(hub)
  return messages.map(({ ref, application }) =>
    [application.opType, ...Object.values(ref)].join(' '),
  )
}

async function sequencesOf(hub: TestHub): Promise<readonly string[]> {
  const events = (await stored(hub)).filter(({ source }) => source)
  return events.map(({ body }) => JSON.parse(Buffer.from(body).toString()).sequenceNumber)
}

test('connection state: told with the first operation, once, and when the session ends', async () => {
  const hub = await routedHub()
  await hub.routing.load()
  const send = (ref: DeviceRef) =>
    hub.telemetry.accept({ ref, system: {}, application: {}, body: Buffer.from('t') }, CREDENTIAL)
  await send(PUMP)
  assert.deepEqual(await told(hub), [' pump-1'], 'over HTTPS nobody is connected')
  const session = sessionOf(PUMP)
  hub.sessions.open(session)
  assert.deepEqual(await told(hub), [' pump-1'])
  await Promise.all([send(PUMP), send(PUMP)])
  hub.sessions.closed(session)
  await hub.connectionEvents.close()
  const expected = [
    ' pump-1',
    'deviceConnected pump-1',
    ' pump-1',
    ' pump-1',
    'deviceDisconnected pump-1',
  ]
  assert.deepEqual(await told(hub), expected)
  const agent = sessionOf(MODULE)
  hub.sessions.open(agent)
  await hub.cloudMessages.receive(MODULE, 1)
  hub.sessions.closed(agent)
  // One that did nothing.
  hub.sessions.open(session)
  hub.sessions.closed(session)
  await hub.connectionEvents.close()
  assert.deepEqual((await told(hub)).slice(expected.length), [
    'deviceConnected pump-1 azureiotsecurity',
    'deviceDisconnected pump-1 azureiotsecurity',
  ])
  const sequences = await sequencesOf(hub)
  assert.ok(sequences.every((sequence) => /^[0-9A-F]{64}$/.test(sequence)))
  assert.deepEqual(sequences, [...sequences].sort())
  assert.equal(new Set(sequences).size, 4)
})

test('connection state: a security message counts as an operation and stays off the stream', async () => {
  const hub = await routedHub()
  hub.sessions.open(sessionOf(MODULE))
  const system = { interfaceId: SECURITY_INTERFACE_ID }
  const message = { ref: MODULE, system, application: {}, body: Buffer.from('{}') }
  await hub.telemetry.accept(message, CREDENTIAL)
  assert.deepEqual(await told(hub), ['deviceConnected pump-1 azureiotsecurity'])
})

test('connection state: sequence numbers grow over restarts', async () => {
  const hub = await routedHub()
  const connect = async () => {
    const session = sessionOf(PUMP)
    hub.sessions.open(session)
    await hub.cloudMessages.receive(PUMP, 1)
    hub.sessions.closed(session)
    await hub.connectionEvents.close()
  }
  await hub.routing.load()
  await connect()
  await hub.routing.load()
  await connect()
  const sequences = await sequencesOf(hub)
  assert.deepEqual(sequences, [...sequences].sort())
  assert.equal(new Set(sequences).size, 4)
})

test('telemetry carries the model that its session announced, and no other', async () => {
  const hub = makeHub()
  await hub.identities.createDevice('pump-1', {})
  const send = () =>
    hub.telemetry.accept(
      { ref: PUMP, system: {}, application: {}, body: Buffer.from('t') },
      CREDENTIAL,
    )
  const session = sessionOf(PUMP)
  hub.sessions.open(session)
  await hub.identities.announceModel(PUMP, 'dtmi:example:Pump;1')
  await send()
  hub.sessions.open(sessionOf(PUMP))
  await send()
  await hub.identities.announceModel(PUMP, 'dtmi:example:Pump;2')
  hub.sessions.closed(session)
  await send()
  const messages = await stored(hub)
  assert.deepEqual(
    messages.map(({ modelId }) => modelId),
    ['dtmi:example:Pump;1', undefined, 'dtmi:example:Pump;2'],
  )
})

function sessionOf(ref: DeviceRef): LiveSession {
  return { ref, close: () => {} }
}
