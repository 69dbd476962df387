import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { CLOCK_SKEW_MS, type DeviceRef, formatSas, HubError } from '@twinward/protocol'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { MemoryCertificates } from '../adapters/memory/certificates.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import { silentLog } from '../log.ts'
import { Authenticator } from './authenticator.ts'
import { Authorities } from './authorities.ts'
import { HostNames } from './host-names.ts'
import { Identities } from './identities.ts'
import type { SharedAccessPolicy } from './policies.ts'

const NOW_MS = 1_767_225_600_000
const NOW_S = NOW_MS / 1000
const clock = { now: () => NOW_MS, sleep: async () => {}, every: () => () => {} }
const hosts = new HostNames(['hub.example.net', '127.0.0.1'])
const keyOf = (seed: number) => Buffer.alloc(32, seed).toString('base64')
const policies: readonly SharedAccessPolicy[] = [
  { name: 'device', rights: ['DeviceConnect'], primaryKey: keyOf(1), secondaryKey: keyOf(2) },
  { name: 'service', rights: ['ServiceConnect'], primaryKey: keyOf(3), secondaryKey: keyOf(4) },
]
const pump: DeviceRef = { deviceId: 'pump(1)!' }
const agent = { ...pump, moduleId: 'azureiotsecurity' }

/** A device with keys 10 and 11, its security module with keys 20 and 21. */
async function open() {
  const registry = new MemoryRegistry()
  const bus = new InProcessBus(silentLog)
  const identities = new Identities({ registry, bus, clock }, hosts, () => [])
  const keys = (first: number) => ({
    authentication: { symmetricKey: { primaryKey: keyOf(first), secondaryKey: keyOf(first + 1) } },
  })
  await identities.createDevice(pump.deviceId, keys(10))
  await identities.createModule(agent, keys(20))
  return { identities, authenticator: makeAuthenticator(registry) }
}

function makeAuthenticator(registry: MemoryRegistry, own = policies, time = clock): Authenticator {
  const authorities = new Authorities(new MemoryCertificates())
  return new Authenticator({ registry, authorities, clock: time }, own, hosts)
}

/** A request of a service. */
function call(authorization: string | undefined, path = '/devices') {
  return { authorization, path }
}

function token(resource: string, key: string, options: { atS?: number; policy?: string } = {}) {
  const sign = (text: string) =>
    createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64')
  return formatSas(resource, options.atS ?? NOW_S + 60, sign, options.policy)
}

function isRefused(code: string, reason: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof HubError)
    assert.equal(error.code, code)
    assert.equal(error.message, 'Unauthorized', 'the caller learns nothing')
    assert.match(String(error.cause), reason)
    return true
  }
}

const deviceResource = 'hub.example.net/devices/pump(1)!'
const moduleResource = `${deviceResource}/modules/azureiotsecurity`

test('connect: a device and a module each with its own primary or secondary key', async () => {
  const { authenticator } = await open()
  for (const [ref, resource, key] of [
    [pump, deviceResource, keyOf(10)],
    [pump, deviceResource, keyOf(11)],
    [pump, 'HUB.example.net:18883/devices/pump(1)!', keyOf(10)],
    [pump, '127.0.0.1/devices/pump(1)!', keyOf(10)],
    [agent, moduleResource, keyOf(20)],
    [agent, moduleResource, keyOf(21)],
    [agent, deviceResource, keyOf(20)],
  ] as const) {
    const credential = await authenticator.connect(ref, { token: token(resource, key) })
    assert.equal(credential.expiresAtMs, NOW_MS + 60_000 + CLOCK_SKEW_MS)
  }
})

test('connect: the device’s key never opens its module, nor the module’s key the device', async () => {
  const { authenticator } = await open()
  for (const [ref, resource, key] of [
    [agent, moduleResource, keyOf(10)],
    [agent, deviceResource, keyOf(10)],
    [pump, deviceResource, keyOf(20)],
    [pump, moduleResource, keyOf(20)],
  ] as const) {
    await assert.rejects(
      authenticator.connect(ref, { token: token(resource, key) }),
      isRefused('IotHubUnauthorized', /wrong key/),
    )
  }
})

test('connect: refuses what is expired, foreign, unknown, disabled or no token', async () => {
  const { authenticator, identities } = await open()
  const refused = (
    ref: DeviceRef,
    text: string,
    reason: RegExp,
    code = 'IotHubUnauthorized',
  ): Promise<void> =>
    assert.rejects(authenticator.connect(ref, { token: text }), isRefused(code, reason))
  const refusedElsewhere = (ref: DeviceRef, text: string, reason: RegExp) =>
    refused(ref, text, reason, 'IotHubUnauthorizedAccess')
  const atS = NOW_S - CLOCK_SKEW_MS / 1000 - 1
  await refused(pump, token(deviceResource, keyOf(10), { atS }), /expired/)
  await refusedElsewhere(
    pump,
    token('other.example.net/devices/pump(1)!', keyOf(10)),
    /another host/,
  )
  for (const resource of [
    'hub.example.net/devices/pump',
    'hub.example.net/devices',
    'hub.example.net',
    moduleResource,
  ]) {
    await refusedElsewhere(pump, token(resource, keyOf(10)), /another resource/)
  }
  await refused(
    { deviceId: 'nobody' },
    token('hub.example.net/devices/nobody', keyOf(10)),
    /unknown/,
  )
  await refused(pump, 'secret', /not a shared access signature/)
  await refused(pump, '', /neither a token nor a certificate/)
  await identities.update(pump, { status: 'disabled' }, '*')
  await refused(pump, token(deviceResource, keyOf(10)), /disabled/)
  await refused(agent, token(moduleResource, keyOf(20)), /disabled/)
})

test('connect: an expired token is good for five more minutes, for clocks that differ', async () => {
  const { authenticator } = await open()
  const atS = NOW_S - CLOCK_SKEW_MS / 1000
  await authenticator.connect(pump, { token: token(deviceResource, keyOf(10), { atS }) })
})

test('connect: a policy with DeviceConnect opens every device, one without it none', async () => {
  const { authenticator } = await open()
  for (const resource of ['hub.example.net', 'hub.example.net/devices', deviceResource]) {
    const text = token(resource, keyOf(1), { policy: 'device' })
    const { authMethod } = await authenticator.connect(pump, { token: text })
    assert.match(authMethod, /"scope":"hub"/)
  }
  await assert.rejects(
    authenticator.connect(pump, {
      token: token('hub.example.net', keyOf(3), { policy: 'service' }),
    }),
    isRefused('IotHubUnauthorizedAccess', /lacks DeviceConnect/),
  )
})

test('service: a policy has its rights and no others', async () => {
  const { authenticator } = await open()
  const text = token('hub.example.net', keyOf(4), { policy: 'service' })
  assert.equal(authenticator.service(call(text), 'ServiceConnect').policyName, 'service')
  assert.equal(
    authenticator.service(call(text), 'RegistryRead', 'ServiceConnect').policyName,
    'service',
  )
  const refused = (
    header: string | undefined,
    reason: RegExp,
    code = 'IotHubUnauthorizedAccess',
  ): void =>
    assert.throws(
      () => authenticator.service(call(header), 'RegistryWrite'),
      isRefused(code, reason),
    )
  refused(text, /lacks RegistryWrite/)
  refused(undefined, /no shared access signature/)
  refused(token('hub.example.net', keyOf(9), { policy: 'service' }), /wrong key/)
  refused(token('hub.example.net', keyOf(4), { policy: 'nobody' }), /unknown policy/)
  refused(token('hub.example.net', keyOf(10)), /unknown policy/)
  refused(token('other.example.net', keyOf(4), { policy: 'service' }), /another host/)
  const old = token('hub.example.net', keyOf(4), { policy: 'service', atS: 1 })
  refused(old, /expired/, 'IotHubUnauthorized')
})

test('service: a token that was right is refused once it has expired', async () => {
  let nowMs = NOW_MS
  const time = { ...clock, now: () => nowMs }
  const authenticator = makeAuthenticator(new MemoryRegistry(), policies, time)
  const text = token('hub.example.net', keyOf(3), { policy: 'service', atS: NOW_S + 60 })
  nowMs += 60_000 + CLOCK_SKEW_MS
  assert.equal(authenticator.service(call(text), 'ServiceConnect').policyName, 'service')
  nowMs += 1
  const isExpired = isRefused('IotHubUnauthorized', /expired/)
  assert.throws(() => authenticator.service(call(text), 'ServiceConnect'), isExpired)
})

test('service: a token that was right opens nothing that its policy lacks', async () => {
  const { authenticator } = await open()
  const text = token('hub.example.net', keyOf(3), { policy: 'service' })
  authenticator.service(call(text), 'ServiceConnect')
  assert.throws(
    () => authenticator.service(call(text), 'RegistryRead'),
    isRefused('IotHubUnauthorizedAccess', /lacks RegistryRead/),
  )
})

test('service: a wrong token stays wrong beside a right one, however often it comes', async () => {
  const { authenticator } = await open()
  const right = token('hub.example.net', keyOf(3), { policy: 'service' })
  authenticator.service(call(right), 'ServiceConnect')
  const wrong = [
    token('hub.example.net', keyOf(9), { policy: 'service' }),
    right.replace(/sig=.../, 'sig=AAA'),
    right.replace(/se=\d+/, `se=${NOW_S + 3600}`),
    right.replace('skn=service', 'skn=device'),
  ]
  for (const text of [...wrong, ...wrong]) {
    const isWrongKey = isRefused('IotHubUnauthorizedAccess', /wrong key/)
    assert.throws(
      () => authenticator.service(call(text), 'ServiceConnect', 'DeviceConnect'),
      isWrongKey,
    )
  }
})

test('service: a token is worth nothing to a hub whose policies have other keys', async () => {
  const { authenticator } = await open()
  const text = token('hub.example.net', keyOf(3), { policy: 'service' })
  authenticator.service(call(text), 'ServiceConnect')
  const rolled = policies.map((policy) => ({
    ...policy,
    primaryKey: keyOf(5),
    secondaryKey: keyOf(6),
  }))
  const next = makeAuthenticator(new MemoryRegistry(), rolled)
  const isWrongKey = isRefused('IotHubUnauthorizedAccess', /wrong key/)
  assert.throws(() => next.service(call(text), 'ServiceConnect'), isWrongKey)
})

test('service: a token for a path opens that path and what is below it', async () => {
  const { authenticator } = await open()
  const text = token('hub.example.net/devices/pump(1)!', keyOf(3), { policy: 'service' })
  const opens = (path: string) => authenticator.service(call(text, path), 'ServiceConnect')
  opens('/devices/pump(1)!?api-version=2021-04-12')
  opens('/devices/pump%281%29%21')
  opens('/devices/pump(1)!/modules/azureiotsecurity')
  const isElsewhere = isRefused('IotHubUnauthorizedAccess', /another resource/)
  for (const path of [
    '/devices',
    '/devices/pump',
    '/devices/pump(1)!2',
    '/twins/pump(1)!',
    '/%zz',
  ]) {
    assert.throws(() => opens(path), isElsewhere)
  }
})

test('owner: a device with its own key, for the hub as a whole; no policy and no other device', async () => {
  const { authenticator, identities } = await open()
  await identities.createDevice('pump-2', {})
  for (const resource of ['hub.example.net', deviceResource]) {
    await authenticator.owner(pump.deviceId, { token: token(resource, keyOf(11)) })
  }
  await assert.rejects(
    authenticator.owner('pump-2', { token: token('hub.example.net', keyOf(11)) }),
    isRefused('IotHubUnauthorized', /wrong key/),
  )
  await assert.rejects(
    authenticator.owner(pump.deviceId, { token: token('hub.example.net', keyOf(20)) }),
    isRefused('IotHubUnauthorized', /wrong key/),
  )
  await assert.rejects(
    authenticator.owner(pump.deviceId, {
      token: token('hub.example.net', keyOf(1), { policy: 'device' }),
    }),
    isRefused('IotHubUnauthorizedAccess', /policy/),
  )
})
