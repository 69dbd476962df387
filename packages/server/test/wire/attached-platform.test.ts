import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { systemClock } from '@twinward/hub'
import { SECURITY_INTERFACE_ID, securityModuleIds } from '@twinward/protocol'
import { AttachedPlatform, Inbox, parseHubAddress } from '@twinward/security'
import { type OpenedPlatform, platformContract } from '../../../security/test/contracts/platform.ts'
import { type HttpsHub, startHttpsHub } from '../https-hub.ts'
import { until } from '../server.ts'

const OPTIONS = { consumerGroup: '$security', securityModuleIds: securityModuleIds() }
const AGENT = { expiresAtMs: Infinity, generationId: '1', authMethod: '{}', identityEtag: 1 }

const folder = await mkdtemp(join(tmpdir(), 'attached-'))
after(() => rm(folder, { recursive: true }))
let inboxes = 0

platformContract(open)

async function attach(hub: HttpsHub, file = join(folder, `${++inboxes}.db`)) {
  const address = parseHubAddress(hub.ownerConnectionString, {
    ca: hub.ca,
    httpsPort: hub.httpsPort,
    amqpPort: hub.amqpPort,
  })
  const inbox = await Inbox.open({ file, onFailure: (error) => assert.fail(error) })
  const logged: { fields: object; text: string }[] = []
  const warn = (fields: object, text: string) => void logged.push({ fields, text })
  const log = { debug() {}, info() {}, warn, error: warn }
  const platform = new AttachedPlatform(address, inbox, OPTIONS, { clock: systemClock, log })
  platform.start()
  await until(() => platform.failure === undefined)
  return { platform, logged }
}

async function open(): Promise<OpenedPlatform> {
  const hub = await startHttpsHub()
  const { platform } = await attach(hub)
  return {
    platform,
    createDevice: async (deviceId, tags) => {
      await hub.identities.createDevice(deviceId, {})
      if (tags) await hub.twins.patch({ deviceId }, { tags })
    },
    removeDevice: (deviceId) => hub.identities.remove({ deviceId }, '*'),
    removeModule: (ref) => hub.identities.remove(ref, '*'),
    setKeys: async (deviceId, primaryKey, secondaryKey) => {
      const authentication = { symmetricKey: { primaryKey, secondaryKey } }
      await hub.identities.update({ deviceId }, { authentication }, '*')
    },
    report: async (ref, patch) => {
      await hub.twins.updateReported(ref, patch)
    },
    sendSecurityMessage: async (ref, body) => {
      const system = { interfaceId: SECURITY_INTERFACE_ID }
      const arrived = new Promise<void>((resolve) => {
        const leave = platform.subscribe((notice) => {
          if (notice.kind !== 'messages') return
          leave()
          resolve()
        })
      })
      await hub.telemetry.accept({ ref, body, application: {}, system }, AGENT)
      await arrived
    },
    close: async () => {
      await platform.close()
      await hub[Symbol.asyncDispose]()
    },
  }
}

test('what the hub took while nobody was attached is read later, once', async () => {
  await using hub = await startHttpsHub()
  const ref = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
  const send = (n: number) =>
    hub.telemetry.accept(
      {
        ref,
        body: Buffer.from(`${n}`),
        application: {},
        system: { interfaceId: SECURITY_INTERFACE_ID },
      },
      AGENT,
    )
  const file = join(folder, 'again.db')
  for (let n = 0; n < 300; n++) await send(n)
  const first = await attach(hub, file)
  await until(async () => (await first.platform.readMessages(0, 1_000)).length === 300)
  await first.platform.close()
  for (let n = 300; n < 310; n++) await send(n)
  const second = await attach(hub, file)
  const all = () => second.platform.readMessages(0, 1_000)
  await until(async () => (await all()).length >= 310)
  assert.deepEqual(
    (await all()).map(({ body }) => Number(Buffer.from(body).toString())),
    Array.from({ length: 310 }, (_, n) => n),
  )
  await second.platform.close()
})

test('who goes on after a device of which nothing is known misses none', async () => {
  await using hub = await startHttpsHub()
  for (const id of ['a', 'b', 'c', 'd', 'e']) await hub.identities.createDevice(id, {})
  const file = join(folder, 'list.db')
  const { platform } = await attach(hub, file)
  assert.deepEqual(await platform.listDevices(3, 'b'), ['c', 'd', 'e'])
  assert.deepEqual(await platform.listDevices(2, 'b'), ['c', 'd'])
  assert.deepEqual(await platform.listDevices(2, 'd'), ['e'])
  assert.deepEqual(await platform.listDevices(2, 'e'), [])
  assert.deepEqual(
    await platform.listDevices(2, 'gone'),
    ['a', 'b'],
    'or what came after it is lost',
  )
  await platform.close()
})

test('a login without the rights is refused in words, again and again', async () => {
  await using hub = await startHttpsHub()
  const address = parseHubAddress(hub.ownerConnectionString.replace('iothubowner', 'device'), {
    ca: hub.ca,
    httpsPort: hub.httpsPort,
    amqpPort: hub.amqpPort,
  })
  const file = join(folder, 'refused.db')
  const inbox = await Inbox.open({ file, onFailure: (error) => assert.fail(error) })
  const logged: string[] = []
  const warn = (fields: object) => void logged.push(JSON.stringify(fields))
  const log = { debug() {}, info() {}, warn, error: warn }
  const ports = { clock: systemClock, log }
  const platform = new AttachedPlatform(address, inbox, OPTIONS, ports)
  platform.start()
  await until(() => /refuses/.test(platform.failure ?? ''))
  await assert.rejects(platform.listDevices(10), { code: 'IotHubUnauthorizedAccess' })
  assert.ok(!logged.join().includes(address.policyKey))
  await platform.close()
})
