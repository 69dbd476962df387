import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError, type HubErrorCode } from '@twinward/protocol'
import { TestClock } from '../../test/clock.ts'
import { makeHub, makeToken, until } from '../../test/hub.ts'
import { silentLog } from '../log.ts'
import { ACTIVITY_DELAY_MS, recordActivity } from '../sessions/activity.ts'
import { MIN_KEY_OVERLAP_MS } from './module-credentials.ts'

const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
const by = 'iothubowner'

async function open() {
  const clock = new TestClock()
  const hub = makeHub({ clock })
  await hub.keyOf(ref)
  recordActivity({ ...hub, registry: hub.registry }, silentLog)
  const closed: string[] = []
  const keys = async () => {
    const { authentication } = (await hub.identities.get(ref)).identity
    if (authentication.type !== 'sas') throw new Error('no keys')
    return authentication
  }
  /** Opens a session with this key, as a gateway does, and waits until that is written down. */
  const connect = async (key: string) => {
    const token = makeToken(key, ref, { expiresAtMs: clock.now() + 60_000 })
    const credential = await hub.authenticator.connect(ref, { token })
    hub.sessions.open({ ref, credential, close: (reason) => void closed.push(reason) })
    const atMs = clock.now()
    clock.advance(ACTIVITY_DELAY_MS)
    await until(async () => {
      const { lastCredential } = (await hub.identities.get(ref)).identity
      return lastCredential?.timeMs === atMs
    })
  }
  const used = async () => (await hub.moduleCredentials.list('pump-1'))[0]?.lastUsed?.credential
  return { hub, clock, closed, keys, connect, used }
}

const isRefused = (code: HubErrorCode) => (error: unknown) =>
  error instanceof HubError && error.code === code

test('list: which key the last session used', async () => {
  const { connect, keys, used } = await open()
  assert.equal(await used(), undefined)
  const { primaryKey, secondaryKey } = await keys()
  await connect(primaryKey)
  assert.equal(await used(), 'primary')
  await connect(secondaryKey)
  assert.equal(await used(), 'secondary')
})

test('rotate: the key of the session that is open counts, before it is written down', async () => {
  const { hub, clock, closed, keys, connect } = await open()
  const { primaryKey, secondaryKey } = await keys()
  await connect(primaryKey)
  const token = makeToken(secondaryKey, ref, { expiresAtMs: clock.now() + 60_000 })
  const credential = await hub.authenticator.connect(ref, { token })
  const late: string[] = []
  hub.sessions.open({ ref, credential, close: (reason) => void late.push(reason) })
  await hub.moduleCredentials.rotate('pump-1', { by })
  assert.equal((await keys()).secondaryKey, secondaryKey)
  assert.deepEqual(late, [])
  assert.deepEqual(closed, ['taken over by a newer connection'])
})

test('rotate: a new primary key; the key in use stays, and its session with it', async () => {
  const { hub, clock, closed, connect, keys, used } = await open()
  const first = await keys()
  await connect(first.secondaryKey)
  await hub.moduleCredentials.rotate('pump-1', { by })
  const second = await keys()
  assert.equal(second.secondaryKey, first.secondaryKey)
  assert.ok(![first.primaryKey, first.secondaryKey].includes(second.primaryKey))
  assert.deepEqual(closed, [])
  await connect(second.primaryKey)
  assert.equal(await used(), 'primary')
  clock.advance(MIN_KEY_OVERLAP_MS)
  await hub.moduleCredentials.rotate('pump-1', { by })
  assert.equal((await keys()).secondaryKey, second.primaryKey)
  assert.equal(await used(), 'secondary')
})

test('rotate: not twice within 24 hours, for a key that was just handed out would go', async () => {
  const { hub, clock, keys } = await open()
  await hub.moduleCredentials.rotate('pump-1', { by })
  const before = await keys()
  clock.advance(MIN_KEY_OVERLAP_MS - 1)
  await assert.rejects(hub.moduleCredentials.rotate('pump-1', { by }), isRefused('GenericConflict'))
  assert.deepEqual(await keys(), before)
  clock.advance(1)
  await hub.moduleCredentials.rotate('pump-1', { by })
})

test('rotate: revoked keys go at once, with their sessions', async () => {
  const { hub, closed, connect, keys, used } = await open()
  const first = await keys()
  await connect(first.primaryKey)
  await hub.moduleCredentials.rotate('pump-1', { by, isRevoked: true })
  assert.deepEqual(closed, ['the credential changed'])
  await assert.rejects(connect(first.primaryKey), isRefused('IotHubUnauthorized'))
  await assert.rejects(connect(first.secondaryKey), isRefused('IotHubUnauthorized'))
  assert.equal(await used(), 'retired')
})

test('rotate: security modules only, and only those with keys', async () => {
  const { hub } = await open()
  const rotate = (moduleId: string) => hub.moduleCredentials.rotate('pump-1', { moduleId, by })
  await hub.keyOf({ deviceId: 'pump-1', moduleId: 'app' })
  await assert.rejects(rotate('app'), isRefused('ArgumentInvalid'))
  await assert.rejects(rotate('DefenderIotMicroAgent'), isRefused('ModuleNotFound'))
  const authentication = { type: 'certificateAuthority' }
  const micro = { deviceId: 'pump-1', moduleId: 'DefenderIotMicroAgent' }
  await hub.identities.createModule(micro, { authentication })
  await assert.rejects(rotate('DefenderIotMicroAgent'), isRefused('ArgumentInvalid'))
  await assert.rejects(hub.moduleCredentials.rotate('nobody', { by }), isRefused('DeviceNotFound'))
})
