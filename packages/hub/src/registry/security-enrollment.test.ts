import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type HubErrorCode, parseConnectionString } from '@twinward/protocol'
import { makeHub, makeToken, type TestHubOptions } from '../../test/hub.ts'
import { MemoryEnrollmentTokens } from '../adapters/memory/enrollment-tokens.ts'
import { silentLog } from '../log.ts'
import { MAX_TOKEN_MINUTES } from './security-enrollment.ts'

const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
const by = { createdBy: 'iothubowner' }

async function open(options: TestHubOptions = {}) {
  let nowMs = 1_800_000_000_000
  const clock = { now: () => nowMs, sleep: async () => {}, every: () => () => {} }
  const lines: object[] = []
  const log = { ...silentLog, info: (fields: object) => void lines.push(fields) }
  const hub = makeHub({ clock, log, ...options })
  await hub.identities.createDevice('pump-1', {})
  const { securityEnrollment: enrollment } = hub
  const make = async (request = {}) =>
    (await enrollment.create('pump-1', { ...by, ...request })).text
  const connect = async (key: string) => {
    const token = makeToken(key, ref, { expiresAtMs: nowMs + 60_000 })
    return hub.authenticator.connect(ref, { token })
  }
  return { hub, enrollment, make, connect, lines, pass: (ms: number) => (nowMs += ms) }
}

const isRefused = (code: HubErrorCode) => (error: unknown) =>
  error instanceof HubError && error.code === code
const unauthorized = isRefused('IotHubUnauthorized')

test('redeem: the module is created and its connection string opens it, in one call', async () => {
  const { enrollment, make, connect, hub } = await open()
  const text = await make()
  assert.equal(hub.sessions.count, 0)
  const { connectionString, ...others } = await enrollment.redeem(text, '10.0.0.1')
  assert.deepEqual(others, ref)
  const { hostName, sharedAccessKey } = parseConnectionString(connectionString)
  assert.equal(hostName, 'localhost')
  await connect(sharedAccessKey)
})

test('redeem: works once, also when many come at the same time', async () => {
  const { enrollment, make, connect } = await open()
  const text = await make()
  const outcomes = await Promise.allSettled(
    ['1', '2', '3', '4', '5'].map((n) => enrollment.redeem(text, `10.0.0.${n}`)),
  )
  const won = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  assert.equal(won.length, 1)
  await assert.rejects(enrollment.redeem(text, '10.0.0.9'), unauthorized)
  await connect(parseConnectionString(won[0]?.connectionString ?? '').sharedAccessKey)
})

test('redeem: a module that was there gets new keys; the old ones open it no more, its session ends', async () => {
  const { hub, enrollment, make, connect } = await open()
  const old = await hub.keyOf(ref)
  const reasons: string[] = []
  const { credentialId = '' } = await connect(old)
  hub.sessions.open({ ref, credential: { credentialId }, close: (why) => void reasons.push(why) })
  const { connectionString } = await enrollment.redeem(await make(), '10.0.0.1')
  await assert.rejects(connect(old), unauthorized)
  assert.deepEqual(reasons, ['the credential changed'])
  await connect(parseConnectionString(connectionString).sharedAccessKey)
})

test('redeem: a module by certificate gets keys in place of it', async () => {
  const { hub, enrollment, make, connect } = await open()
  const authentication = { type: 'certificateAuthority' }
  await hub.identities.createModule(ref, { authentication })
  const { connectionString } = await enrollment.redeem(await make(), '10.0.0.1')
  await connect(parseConnectionString(connectionString).sharedAccessKey)
})

test('redeem: nothing but the very token, before its time is over, of this life of its device', async () => {
  const { hub, enrollment, make, pass } = await open()
  const text = await make({ validForMinutes: 5 })
  for (const wrong of ['', 'x', text.slice(0, -1), `${text}A`, text.replace(/.$/, '-')]) {
    if (wrong === text) continue
    await assert.rejects(enrollment.redeem(wrong, '10.0.0.1'), unauthorized, wrong)
  }
  const revoked = await make()
  const [youngest] = await enrollment.list('pump-1')
  for (const { tokenId } of await enrollment.list('pump-1')) {
    if (revoked.includes(tokenId)) await enrollment.revoke('pump-1', tokenId, 'iothubowner')
  }
  assert.ok(youngest)
  await assert.rejects(enrollment.redeem(revoked, '10.0.0.2'), unauthorized)
  const disabled = await make()
  await hub.identities.update({ deviceId: 'pump-1' }, { status: 'disabled' }, '*')
  await assert.rejects(enrollment.redeem(disabled, '10.0.0.3'), unauthorized)
  await hub.identities.remove({ deviceId: 'pump-1' }, '*')
  await assert.rejects(enrollment.redeem(disabled, '10.0.0.4'), unauthorized)
  await hub.identities.createDevice('pump-1', {})
  await assert.rejects(enrollment.redeem(disabled, '10.0.0.5'), unauthorized)
  assert.deepEqual(await enrollment.list('pump-1'), [], 'nor are they listed')
  const late = await make({ validForMinutes: 5 })
  pass(5 * 60_000)
  await assert.rejects(enrollment.redeem(late, '10.0.0.6'), unauthorized)
})

test('redeem: an address that fails too often has to wait; others do not', async () => {
  const { enrollment, make, pass } = await open()
  const text = await make()
  const wrong = `${text.slice(0, -3)}AAA`
  for (let n = 0; n < 10; n++) {
    await assert.rejects(enrollment.redeem(wrong, '10.0.0.1'), unauthorized)
  }
  await assert.rejects(enrollment.redeem(text, '10.0.0.1'), isRefused('ThrottlingException'))
  pass(6000)
  await enrollment.redeem(text, '10.0.0.1')
  await enrollment.redeem(await make(), '10.0.0.2')
})

test('redeem: however many strangers fail, whoever has a token is let in', async () => {
  const { enrollment, make } = await open()
  const text = await make()
  for (let n = 0; n < 500; n++) {
    const stranger = `10.0.${n >> 8}.${n & 255}`
    await assert.rejects(enrollment.redeem('x', stranger), unauthorized)
  }
  await enrollment.redeem(text, '10.1.0.1')
})

test('redeem: a token of one device opens no other that takes its id at the same moment', async () => {
  const tokens = new (class extends MemoryEnrollmentTokens {
    override async use(...args: Parameters<MemoryEnrollmentTokens['use']>) {
      const isUsed = await super.use(...args)
      await hub.identities.remove({ deviceId: 'pump-1' }, '*')
      await hub.identities.createDevice('pump-1', {})
      return isUsed
    }
  })()
  const { enrollment, make, hub } = await open({ enrollmentTokens: tokens })
  await assert.rejects(enrollment.redeem(await make(), '10.0.0.1'), unauthorized)
})

test('create: tokens of an earlier device of the id do not count', async () => {
  const { hub, make } = await open()
  for (let n = 0; n < 10; n++) await make()
  await hub.identities.remove({ deviceId: 'pump-1' }, '*')
  await hub.identities.createDevice('pump-1', {})
  for (let n = 0; n < 10; n++) await make()
  await assert.rejects(make(), isRefused('GenericConflict'))
})

test('create: which module, how long and how many are checked; the secret is in no list or log', async () => {
  const { enrollment, make, lines } = await open()
  const isArgument = isRefused('ArgumentInvalid')
  await assert.rejects(make({ moduleId: 'app' }), isArgument)
  for (const validForMinutes of [0, 1.5, MAX_TOKEN_MINUTES + 1, Number.NaN]) {
    await assert.rejects(make({ validForMinutes }), isArgument)
  }
  await assert.rejects(enrollment.create('nobody', by), isRefused('DeviceNotFound'))
  const text = await make({ moduleId: 'DefenderIotMicroAgent' })
  const secret = text.split('.')[2] ?? ''
  const enrolled = await enrollment.redeem(text, '10.0.0.1')
  assert.equal(enrolled.moduleId, 'DefenderIotMicroAgent')
  const [listed] = await enrollment.list('pump-1')
  assert.equal(listed?.used?.address, '10.0.0.1')
  const shown = JSON.stringify([listed, lines])
  assert.ok(secret.length === 43 && !shown.includes(secret))
  assert.ok(!shown.includes(parseConnectionString(enrolled.connectionString).sharedAccessKey))
  const audits = lines.map((line) => (line as { audit?: string }).audit)
  assert.deepEqual(audits, ['enrollment-token-created', 'security-enrolled'])
  for (let n = 0; n < 10; n++) await make()
  await assert.rejects(make(), isRefused('GenericConflict'))
})

test('redeem: without a name, the only security module of the device is the one', async () => {
  const { hub, enrollment, make } = await open()
  await hub.keyOf({ deviceId: 'pump-1', moduleId: 'DefenderIotMicroAgent' })
  const first = await enrollment.redeem(await make(), '10.0.0.1')
  assert.equal(first.moduleId, 'DefenderIotMicroAgent')
  await hub.keyOf(ref)
  assert.equal((await enrollment.redeem(await make(), '10.0.0.1')).moduleId, 'azureiotsecurity')
})
