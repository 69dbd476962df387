import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { type DeviceRef, HubError } from '@twinward/protocol'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { MemoryCertificates } from '../adapters/memory/certificates.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import { silentLog } from '../log.ts'
import { Authenticator } from './authenticator.ts'
import { Authorities } from './authorities.ts'
import { HostNames } from './host-names.ts'
import { Identities } from './identities.ts'

// What clients of every language and age send, against the rules of 06 §1 to §3.

const NOW_MS = 1_767_225_600_000
const LATER = String(NOW_MS / 1000 + 600)
const clock = { now: () => NOW_MS, sleep: async () => {}, every: () => () => {} }
const hosts = new HostNames(['hub.example.net', 'gateway.local', '127.0.0.1'])
const keyOf = (seed: number) => Buffer.alloc(32, seed).toString('base64')
const policies = [
  {
    name: 'iothubowner',
    rights: ['DeviceConnect', 'RegistryRead'],
    primaryKey: keyOf(1),
    secondaryKey: keyOf(2),
  } as const,
]
const registry = new MemoryRegistry()
const bus = new InProcessBus(silentLog)
const identities = new Identities({ registry, bus, clock }, hosts, () => [])
const authorities = new Authorities(new MemoryCertificates())
const authenticator = new Authenticator({ registry, authorities, clock }, policies, hosts)

const pump: DeviceRef = { deviceId: 'Pump(1)!+a%2Fb' }
const module: DeviceRef = { ...pump, moduleId: 'Agent' }
const symmetricKey = { primaryKey: keyOf(10), secondaryKey: keyOf(11) }
await identities.createDevice(pump.deviceId, { authentication: { symmetricKey } })
await identities.createModule(
  { deviceId: pump.deviceId, moduleId: 'Agent' },
  { authentication: { symmetricKey: { primaryKey: keyOf(20), secondaryKey: keyOf(21) } } },
)

interface Form {
  readonly se?: string
  readonly key?: string
  /** Rewrites the signature's base64 as it goes onto the wire. */
  readonly writeSignature?: (base64: string) => string
  readonly rest?: string
}

/** A token of exactly these characters, signed as they are. */
function token(sr: string, form: Form = {}): string {
  const { se = LATER, key = keyOf(10), writeSignature = encodeURIComponent, rest = '' } = form
  const hmac = createHmac('sha256', Buffer.from(key, 'base64')).update(`${sr}\n${se}`)
  return `SharedAccessSignature sr=${sr}&sig=${writeSignature(hmac.digest('base64'))}&se=${se}${rest}`
}

async function outcome(ref: DeviceRef, text: string): Promise<string> {
  try {
    await authenticator.connect(ref, { token: text })
    return 'opens'
  } catch (error) {
    assert.ok(error instanceof HubError)
    return error.code
  }
}

const WRONG_RESOURCE = 'IotHubUnauthorizedAccess'
const WRONG_KEY = 'IotHubUnauthorized'
const once = encodeURIComponent(`hub.example.net/devices/${pump.deviceId}`)
const twice = encodeURIComponent(`hub.example.net/devices/${encodeURIComponent(pump.deviceId)}`)

const opening: readonly (readonly [string, string])[] = [
  ['encoded once, as the Node SDK does', token(once)],
  ['with lower-case escapes', token(once.replace(/%[0-9A-F]{2}/g, (e) => e.toLowerCase()))],
  ['the id encoded, then the whole again', token(twice)],
  ['not encoded at all', token(`hub.example.net/devices/${pump.deviceId}`)],
  ['only the id encoded', token(`hub.example.net/devices/${encodeURIComponent(pump.deviceId)}`)],
  ['in lower case, as the documentation says', token(once.replace('Pump', 'pump'))],
  ['the host in upper case', token(once.replace('hub.example.net', 'HUB.Example.NET'))],
  ['the host with a port', token(once.replace('net%2F', 'net%3A18883%2F'))],
  ['another name of the hub', token(once.replace('hub.example.net', 'gateway.local'))],
  ['an address with a port', token(once.replace('hub.example.net', '127.0.0.1%3A443'))],
  ['a decimal expiry', token(once, { se: `${LATER}.5` })],
  ['an expiry in milliseconds', token(once, { se: `${LATER}000` })],
  ['an expiry of 17 digits', token(once, { se: '9'.repeat(17) })],
  ['an empty policy', token(once, { rest: '&skn=' })],
  ['the secondary key', token(once, { key: keyOf(11) })],
  ['a signature that is not escaped', token(once, { writeSignature: (text) => text })],
  [
    'a signature with / plain, + and = escaped, as Python has it',
    token(once, { writeSignature: (text) => encodeURIComponent(text).replaceAll('%2F', '/') }),
  ],
  [
    'a signature in lower-case escapes',
    token(once, {
      writeSignature: (text) =>
        encodeURIComponent(text).replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    }),
  ],
]

for (const [name, text] of opening) {
  test(`a device's token opens: ${name}`, async () => {
    assert.equal(await outcome(pump, text), 'opens')
  })
}

const refusing: readonly (readonly [string, string, string])[] = [
  ['another host', token(once.replace('hub.example.net', 'hub.example.org')), WRONG_RESOURCE],
  ['a host that only begins alike', token(once.replace('.net', '.net.evil')), WRONG_RESOURCE],
  ['another device', token('hub.example.net%2Fdevices%2Fpump'), WRONG_RESOURCE],
  ['an id that only begins alike', token(`${once}2`), WRONG_RESOURCE],
  ['one of its modules', token(`${once}%2Fmodules%2FAgent`), WRONG_RESOURCE],
  ['the hub as a whole', token('hub.example.net'), WRONG_RESOURCE],
  ['another path', token('hub.example.net%2Fmessages%2Fevents'), WRONG_RESOURCE],
  ['another key', token(once, { key: keyOf(12) }), WRONG_KEY],
  ['the key of its module', token(once, { key: keyOf(20) }), WRONG_KEY],
  ['an expiry that was not signed', token(once).replace(/se=.*/, `se=${LATER}0`), WRONG_KEY],
  ['an unknown policy', token(once, { rest: '&skn=nobody' }), WRONG_KEY],
  ['escapes changed after it was signed', token(once).replaceAll('%2Fd', '%2fd'), WRONG_KEY],
  ['six minutes after its end', token(once, { se: String(NOW_MS / 1000 - 360) }), WRONG_KEY],
]

for (const [name, text, code] of refusing) {
  test(`a device's token opens nothing: ${name}`, async () => {
    assert.equal(await outcome(pump, text), code)
  })
}

test('a module’s own key opens it for its own resource, or its device’s', async () => {
  const key = keyOf(20)
  assert.equal(await outcome(module, token(`${once}%2Fmodules%2FAgent`, { key })), 'opens')
  assert.equal(await outcome(module, token(`${once}%2Fmodules%2Fagent`, { key })), 'opens')
  assert.equal(await outcome(module, token(once, { key })), 'opens')
  assert.equal(await outcome(module, token(`${once}%2Fmodules%2FOther`, { key })), WRONG_RESOURCE)
})

test('a policy’s token opens what its resource leads to, in exactly this case', async () => {
  const owner = { key: keyOf(2), rest: '&skn=iothubowner' }
  for (const resource of ['hub.example.net', 'hub.example.net%2Fdevices', once]) {
    assert.equal(await outcome(pump, token(resource, owner)), 'opens')
    assert.equal(await outcome(module, token(resource, owner)), 'opens')
  }
  for (const resource of [
    once.replace('Pump', 'pump'),
    'hub.example.net%2Ftwins',
    'hub.example.net%2Fdevices%2F',
    `${once}%2Fmodules%2FAgent`,
  ]) {
    assert.equal(await outcome(pump, token(resource, owner)), WRONG_RESOURCE)
  }
})

test('keys change one at a time: the other one’s tokens stay good, the old one’s are refused at once', async () => {
  const both = [token(once, { key: keyOf(10) }), token(once, { key: keyOf(11) })] as const
  const opened = async () => Promise.all(both.map((text) => outcome(pump, text)))
  const change = (primaryKey: string, secondaryKey: string) =>
    identities.update(pump, { authentication: { symmetricKey: { primaryKey, secondaryKey } } }, '*')
  assert.deepEqual(await opened(), ['opens', 'opens'])
  await change(keyOf(30), keyOf(11))
  assert.deepEqual(await opened(), [WRONG_KEY, 'opens'])
  await change(keyOf(10), keyOf(31))
  assert.deepEqual(await opened(), ['opens', WRONG_KEY])
  await change(keyOf(10), keyOf(11))
  assert.deepEqual(await opened(), ['opens', 'opens'])
})
