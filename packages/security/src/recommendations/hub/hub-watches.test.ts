import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { FakeClock, settle } from '../../../test/fake-clock.ts'
import { MemoryFindingStore } from '../../adapters/memory/finding-store.ts'
import { MemoryPlatform } from '../../adapters/memory/platform.ts'
import { silentLog } from '../../log.ts'
import { Serial } from '../../serial.ts'
import { Round } from '../round.ts'
import { assessHub, HUB_TYPES } from './assess-hub.ts'
import type { HubSettings } from './hub-setup.ts'
import { HubSetupWatch, LOOK_INTERVAL_MS } from './hub-setup-watch.ts'
import { TlsWatch } from './tls-watch.ts'

const DAY_MS = 24 * 3_600_000
const TYPE = 'IoT_VulnerableTLSCipherSuite'
const weakTls = { protocol: 'TLSv1.2', suite: 'TLS_RSA_WITH_AES_128_CBC_SHA' }

const folder = new URL('../../../../../vectors/recommendations/hub/', import.meta.url)

test('vectors: what is about the hub fires and is quiet as they say', () => {
  const names = readdirSync(folder).map((name) => name.replace('.json', ''))
  const types = HUB_TYPES.map(({ recommendationType }) => recommendationType)
  assert.deepEqual(names.sort(), [...types].sort())
  for (const name of names) {
    const vectors = JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as {
      readonly fires: readonly HubSettings[]
      readonly quiet: readonly HubSettings[]
    }
    const isBad = (settings: HubSettings) => {
      const verdict = assessHub(settings).find(({ type }) => type.recommendationType === name)
      return verdict?.assessment.isGood === false
    }
    for (const settings of vectors.fires) assert.ok(isBad(settings), JSON.stringify(settings))
    for (const settings of vectors.quiet) assert.ok(!isBad(settings), JSON.stringify(settings))
  }
})

async function open(t: { after(run: () => Promise<void>): void }) {
  const clock = new FakeClock()
  const platform = new MemoryPlatform(clock)
  const findings = new MemoryFindingStore()
  const ports = { platform, findings, clock, log: silentLog }
  const touched: string[] = []
  const options = {
    round: () => new Round(ports, { rules: [] }),
    changes: new Serial(),
    touched: (deviceId: string) => void touched.push(deviceId),
  }
  const start = async () => {
    const [setup, tls] = [new HubSetupWatch(ports, options), new TlsWatch(ports, options)]
    setup.start()
    await tls.start()
    await settle()
    const close = async () => void (await Promise.all([setup.close(), tls.close()]))
    t.after(close)
    return close
  }
  const stateOf = async (type: string, deviceId = '') =>
    (await findings.findRecommendation(`${type}|${deviceId}`))?.state
  platform.addDevice('pump-1')
  return { clock, findings, hub: platform.hubSetup, start, stateOf, touched }
}

test('the hub is looked at when it says that it changed, and when it observed something, by the hour', async (t) => {
  const { clock, hub, start, stateOf, touched } = await open(t)
  await start()
  assert.equal(await stateOf('IoT_IPFilter_DenyAll'), undefined, 'its own machine only')
  hub.change({ isLocalOnly: false })
  await settle()
  assert.equal(await stateOf('IoT_IPFilter_DenyAll'), 'Active')
  assert.deepEqual(touched, [''])
  hub.observe('192.0.2.7')
  await clock.advance(LOOK_INTERVAL_MS)
  assert.equal(await stateOf('IoT_RecommendedIpRulesByBaseLine'), 'Active')
})

test('weak TLS: by identity, until each has connected well', async (t) => {
  const { hub, start, stateOf, findings } = await open(t)
  await start()
  const module = { deviceId: 'pump-1', moduleId: 'camera' }
  hub.connect({ deviceId: 'pump-1' })
  hub.connect({ deviceId: 'gone' }, weakTls)
  await settle()
  assert.equal(await stateOf(TYPE, 'pump-1'), undefined)
  assert.equal(await stateOf(TYPE, 'gone'), undefined, 'there is no such device')
  hub.connect({ deviceId: 'pump-1' }, weakTls)
  hub.connect(module, weakTls)
  await settle()
  const found = await findings.findRecommendation(`${TYPE}|pump-1`)
  assert.deepEqual(
    JSON.parse(found?.additionalData.Connections ?? '').map(
      (one: { Identity: string }) => one.Identity,
    ),
    ['pump-1', 'pump-1/camera'],
  )
  hub.connect({ deviceId: 'pump-1' })
  await settle()
  assert.equal(await stateOf(TYPE, 'pump-1'), 'Active', 'the module is still weak')
  hub.connect(module)
  await settle()
  assert.equal(await stateOf(TYPE, 'pump-1'), 'Resolved')
  hub.connect(module, weakTls)
  await settle()
  const again = await findings.findRecommendation(`${TYPE}|pump-1`)
  assert.equal(again?.reopened, 1)
  assert.ok(!again?.additionalData.Connections?.includes('"pump-1"'), 'what was good is forgotten')
})

test('weak TLS: a lost notice is made good, a long connection counts, and seven days end it', async (t) => {
  const { clock, hub, start, stateOf } = await open(t)
  hub.setWeakConnections([{ ref: { deviceId: 'pump-1' }, weakTls }])
  const close = await start()
  assert.equal(await stateOf(TYPE, 'pump-1'), 'Active')
  await clock.advance(9 * DAY_MS)
  assert.equal(await stateOf(TYPE, 'pump-1'), 'Active', 'it is connected still')
  hub.setWeakConnections([])
  await close()
  await start()
  await clock.advance(7 * DAY_MS)
  assert.equal(await stateOf(TYPE, 'pump-1'), 'Active')
  await clock.advance(DAY_MS)
  assert.equal(await stateOf(TYPE, 'pump-1'), 'Resolved')
})
