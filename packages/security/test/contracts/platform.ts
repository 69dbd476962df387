import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DeviceRef, HubError, type JsonObject } from '@twinward/protocol'
import type { PlatformNotice, SecurityMessage, TwinPlatform } from '../../src/platform.ts'
import type { HubSetupNotice } from '../../src/recommendations/hub/hub-setup.ts'
import type { IpFilterRule } from '../../src/recommendations/ip-filter.ts'

/** A platform under test, and what others do on it: operators, hubs, agents. */
export interface OpenedPlatform {
  readonly platform: TwinPlatform
  /** Creates a device with these tags and **without** any module, however the hub seeds others. */
  createDevice(deviceId: string, tags?: JsonObject): Promise<void>
  removeDevice(deviceId: string): Promise<void>
  removeModule(ref: Required<DeviceRef>): Promise<void>
  /** Gives a device these two symmetric keys, in base64. */
  setKeys(deviceId: string, primaryKey: string, secondaryKey: string): Promise<void>
  /** Patches the reported properties as the module itself. */
  report(ref: Required<DeviceRef>, patch: JsonObject): Promise<void>
  /** Sends a security message as the module itself; resolves once it is accepted. */
  sendSecurityMessage(ref: Required<DeviceRef>, body: Uint8Array): Promise<void>
  /** Makes the hub write down that a CA was added; absent where it tells nothing of itself. */
  recordEvent?(subject: string): Promise<void>
  /** Replaces the rules of the hub's IP filter by this one; absent where it tells nothing of itself. */
  setIpRule?(rule: IpFilterRule): Promise<void>
  close(): Promise<void>
}

const agent = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }

/** How long a notice may take to arrive. */
const NOTICE_DEADLINE_MS = 5_000

/** What every TwinPlatform must do. Each adapter's test calls this with a way to open a new one. */
export function platformContract(open: () => Promise<OpenedPlatform>): void {
  function promise(name: string, run: (opened: OpenedPlatform) => Promise<void>): void {
    test(`platform: ${name}`, async () => {
      const opened = await open()
      try {
        await run(opened)
      } finally {
        await opened.close()
      }
    })
  }

  identities(promise)
  creation(promise)
  credentialMarks(promise)
  twins(promise)
  refusals(promise)
  messages(promise)
  notices(promise)
  tagNotices(promise)
  activity(promise)
  hubSetup(promise)
}

/** How a hub is set up; one that tells nothing says so. */
function hubSetup(promise: Promised): void {
  promise('hubSetup: settings are as they are now, and a change is told', async (opened) => {
    const { hubSetup: setup } = opened.platform
    if (!setup || !opened.setIpRule) {
      assert.equal(setup, undefined)
      assert.equal(opened.setIpRule, undefined)
      return
    }
    const before = await setup.settings()
    assert.deepEqual([before.ipRules, before.observedAddresses], [[], []])
    assert.deepEqual(before.storedEvents, { lifecycle: false, connections: false })
    assert.deepEqual(await setup.weakConnections(), [])
    const told: HubSetupNotice[] = []
    const leave = setup.subscribe((notice) => told.push(notice))
    const rule = { name: 'all', action: 'reject', mask: '0.0.0.0/0' } as const
    await opened.setIpRule(rule)
    assert.deepEqual((await setup.settings()).ipRules, [rule])
    assert.deepEqual(told, [{ kind: 'settings-changed' }])
    leave()
    await opened.setIpRule({ ...rule, name: 'other' })
    assert.equal(told.length, 1)
  })
}

/** What a hub tells of its own use; one that tells nothing says so. */
function activity(promise: Promised): void {
  promise('activity: what the hub writes down is told, and read after a place', async (opened) => {
    const { platform, recordEvent } = opened
    const { activity } = platform
    if (!activity || !recordEvent) {
      assert.equal(activity, undefined)
      assert.equal(recordEvent, undefined)
      return
    }
    const told: PlatformNotice[] = []
    platform.subscribe((notice) => told.push(notice))
    for (const subject of ['a', 'b', 'c']) await recordEvent(subject)
    assert.equal(told.filter(({ kind }) => kind === 'hub-event').length, 3)
    const [first] = await activity.readEvents(0, 1)
    assert.ok(first)
    assert.deepEqual([first.kind, first.outcome, first.subject], ['ca.add', 'success', 'a'])
    const rest = await activity.readEvents(first.sequence, 10)
    assert.deepEqual(
      rest.map(({ subject }) => subject),
      ['b', 'c'],
    )
    assert.deepEqual(await activity.readEvents(rest.at(-1)?.sequence ?? 0, 10), [])
    assert.equal(await activity.readUse({ minuteMs: 0, read: 0 }, 10), undefined)
    assert.deepEqual(await activity.connectedSince(Date.now()), [])
  })
}

type Promised = (name: string, run: (opened: OpenedPlatform) => Promise<void>) => void

function identities(promise: Promised): void {
  promise('listDevices pages through every device once, without modules', async (opened) => {
    const ids = ['pump-1', 'pump-10', 'pump-2', 'a', 'Z', '0']
    for (const id of ids) await opened.createDevice(id)
    await opened.platform.createModule(agent, {})
    const seen: string[] = []
    for (;;) {
      const page = await opened.platform.listDevices(2, seen.at(-1))
      assert.ok(page.length <= 2)
      if (page.length === 0) break
      seen.push(...page)
      assert.ok(seen.length <= ids.length, `listed twice: ${seen}`)
    }
    assert.deepEqual([...seen].sort(), [...ids].sort())
  })

  promise('listDevices serves several who page at the same time, each in full', async (opened) => {
    const ids = Array.from({ length: 9 }, (_, n) => `pump-${n}`)
    for (const id of ids) await opened.createDevice(id)
    const readAll = async (limit: number) => {
      const seen: string[] = []
      for (;;) {
        const page = await opened.platform.listDevices(limit, seen.at(-1))
        seen.push(...page)
        if (page.length < limit) return seen.sort()
        assert.ok(seen.length <= ids.length, `listed twice: ${seen}`)
      }
    }
    for (const seen of await Promise.all([2, 3, 4, 2].map(readAll))) assert.deepEqual(seen, ids)
  })

  promise('listDevices goes on after a device that was removed meanwhile', async (opened) => {
    for (const id of ['a', 'b', 'c', 'd']) await opened.createDevice(id)
    const first = await opened.platform.listDevices(2)
    await opened.removeDevice(first[1] ?? '')
    const rest = await opened.platform.listDevices(2, first[1])
    assert.deepEqual([...first, ...rest].sort(), ['a', 'b', 'c', 'd'])
  })

  promise('listModules tells no device from no module', async ({ platform, createDevice }) => {
    assert.equal(await platform.listModules('pump-1'), undefined)
    await createDevice('pump-1')
    await createDevice('pump-10')
    assert.deepEqual(await platform.listModules('pump-1'), [])
    await platform.createModule(agent, {})
    await platform.createModule({ ...agent, moduleId: 'camera' }, {})
    await platform.createModule({ ...agent, deviceId: 'pump-10' }, {})
    const modules = (await platform.listModules('pump-1')) ?? []
    assert.deepEqual(modules.map(({ ref }) => ref.moduleId).sort(), ['azureiotsecurity', 'camera'])
  })

  promise('listModuleMarks pages through the modules with these ids, each once', async (opened) => {
    const { platform } = opened
    const ids = Array.from({ length: 130 }, (_, n) => `pump-${n}`)
    for (const deviceId of ids) {
      await opened.createDevice(deviceId)
      await platform.createModule({ deviceId, moduleId: agent.moduleId }, { tags: { deviceId } })
    }
    await platform.createModule({ ...agent, moduleId: 'camera' }, {})
    await platform.createModule({ ...agent, moduleId: "o'clock" }, {})
    const marks = []
    for (let after: string | undefined; ; ) {
      const page = await platform.listModuleMarks([agent.moduleId, "o'clock"], after)
      marks.push(...page.marks)
      after = page.next
      if (after === undefined) break
      assert.ok(marks.length <= ids.length, 'listed twice')
    }
    const names = marks.map(({ ref }) => `${ref.deviceId}/${ref.moduleId}`)
    const expected = [...ids.map((id) => `${id}/azureiotsecurity`), "pump-1/o'clock"]
    assert.deepEqual(names.sort(), expected.sort())
    const mark = marks.find(({ ref }) => ref.deviceId === 'pump-7')
    const module = await platform.findModule({ ...agent, deviceId: 'pump-7' })
    assert.deepEqual(mark?.tags, { deviceId: 'pump-7' })
    assert.equal(mark?.desiredVersion, module?.desiredVersion)
    assert.equal(mark?.reportedVersion, module?.reportedVersion)
  })

  promise('deviceGeneration tells a device from the next one of its name', async (opened) => {
    assert.equal(await opened.platform.deviceGeneration('pump-1'), undefined)
    await opened.createDevice('pump-1')
    const first = await opened.platform.deviceGeneration('pump-1')
    assert.equal(await opened.platform.deviceGeneration('pump-1'), first)
    await opened.removeDevice('pump-1')
    await opened.createDevice('pump-1')
    const second = await opened.platform.deviceGeneration('pump-1')
    // A platform that does not tell says so always.
    assert.equal(first === undefined, second === undefined)
    if (first !== undefined) assert.notEqual(second, first)
  })

  promise('deviceTags are those of the device itself', async ({ platform, createDevice }) => {
    assert.equal(await platform.deviceTags('pump-1'), undefined)
    await createDevice('pump-1', { SecurityGroup: 'outside' })
    await createDevice('pump-2')
    await platform.createModule(agent, { tags: { securityGroup: 'default' } })
    assert.deepEqual(await platform.deviceTags('pump-1'), { SecurityGroup: 'outside' })
    assert.deepEqual(await platform.deviceTags('pump-2'), {})
  })
}

function creation(promise: Promised): void {
  promise('createModule writes the identity with its seed', async ({ platform, createDevice }) => {
    await createDevice('pump-1')
    const seed = {
      tags: { securityGroup: 'default' },
      desired: { 'azureiot*com^x:1': { on: { value: true } } },
    }
    const created = await platform.createModule(agent, seed)
    const found = await platform.findModule(agent)
    assert.ok(found)
    for (const module of [created, found]) {
      assert.deepEqual(module.ref, agent)
      assert.deepEqual(module.tags, seed.tags)
      assert.deepEqual(module.desired, seed.desired)
      assert.deepEqual(module.reported, {})
      assert.equal(module.connected, false)
      assert.equal(module.etag, found.etag)
      assert.ok(module.desiredVersion >= 1)
    }
  })

  promise('createModule refuses what exists and what has no device', async (opened) => {
    await refuses(opened.platform.createModule(agent, {}), ['DeviceNotFound'])
    await opened.createDevice('pump-1')
    const racers = Array.from({ length: 5 }, (_, n) =>
      opened.platform.createModule(agent, { tags: { n } }),
    )
    const done = await Promise.allSettled(racers)
    const won = done.filter(({ status }) => status === 'fulfilled')
    assert.equal(won.length, 1)
    for (const one of done) {
      if (one.status === 'fulfilled') continue
      await refuses(Promise.reject(one.reason), ['ModuleAlreadyExistsOnDevice'])
    }
    const winner = done.findIndex(({ status }) => status === 'fulfilled')
    assert.deepEqual((await opened.platform.findModule(agent))?.tags, { n: winner })
  })

  promise('a removed device or module is gone', async (opened) => {
    await opened.createDevice('pump-1')
    await opened.createDevice('pump-10')
    const neighbour = { ...agent, deviceId: 'pump-10' }
    await opened.platform.createModule(agent, {})
    await opened.platform.createModule(neighbour, {})
    await opened.removeModule(agent)
    assert.equal(await opened.platform.findModule(agent), undefined)
    assert.deepEqual(await opened.platform.listModules('pump-1'), [])
    await opened.removeDevice('pump-1')
    assert.equal(await opened.platform.listModules('pump-1'), undefined)
    assert.ok(await opened.platform.findModule(neighbour))
  })
}

function credentialMarks(promise: Promised): void {
  const key = (byte: number) => Buffer.alloc(32, byte).toString('base64')

  promise('credentialMarks are digests: equal for equal keys, and no keys', async (opened) => {
    const { platform } = opened
    assert.equal(await platform.credentialMarks('pump-1'), undefined)
    for (const id of ['pump-1', 'pump-2']) await opened.createDevice(id)
    await opened.setKeys('pump-1', key(1), key(2))
    await opened.setKeys('pump-2', key(3), key(1))
    const digestsOf = async (deviceId: string) => {
      const marks = (await platform.credentialMarks(deviceId)) ?? []
      const own = marks.find(({ ref }) => ref.moduleId === undefined)
      assert.ok(own?.credentials.every(({ kind }) => kind === 'symmetricKey'))
      return own?.credentials.map(({ digest }) => digest) ?? []
    }
    const [one, other] = [await digestsOf('pump-1'), await digestsOf('pump-2')]
    assert.equal(one.length, 2)
    assert.equal(one[0], other[1])
    assert.equal(new Set([...one, ...other]).size, 3)
    assert.ok(![...one, ...other].some((digest) => [1, 2, 3].map(key).includes(digest)))
  })

  promise(
    'listCredentialMarks pages through every device once, as each shows them',
    async (opened) => {
      const { platform } = opened
      const ids = Array.from({ length: 45 }, (_, n) => `pump-${n}`)
      for (const [n, id] of ids.entries()) {
        await opened.createDevice(id)
        await opened.setKeys(id, key(n), key(n + 100))
      }
      const seen = []
      for (let after: string | undefined; ; ) {
        const page = await platform.listCredentialMarks(after)
        seen.push(...page.marks)
        after = page.next
        if (after === undefined) break
        assert.ok(seen.length <= ids.length, 'listed twice')
      }
      assert.deepEqual(seen.map(({ ref }) => ref.deviceId).sort(), [...ids].sort())
      const one = seen.find(({ ref }) => ref.deviceId === 'pump-7')
      assert.deepEqual([one], await platform.credentialMarks('pump-7'))
    },
  )
}

function twins(promise: Promised): void {
  promise('patchTwin merges: null removes, siblings stay', async ({ platform, createDevice }) => {
    await createDevice('pump-1')
    const before = await platform.createModule(agent, {
      tags: { securityGroup: 'default', posture: { score: 40, old: 1 } },
      desired: { a: { b: 1, c: [1, 2] } },
    })
    const after = await platform.patchTwin(agent, {
      tags: { posture: { score: 50, old: null } },
      desired: { a: { b: null, c: [3] }, d: 'new' },
    })
    assert.deepEqual(after.tags, { securityGroup: 'default', posture: { score: 50 } })
    assert.deepEqual(after.desired, { a: { c: [3] }, d: 'new' })
    assert.equal(after.desiredVersion, before.desiredVersion + 1)
    assert.notEqual(after.etag, before.etag)
    const { connected: _, ...found } = (await platform.findModule(agent)) ?? after
    assert.deepEqual([found.tags, found.desired], [after.tags, after.desired])
    // What was read stays what it was: nobody merges into a snapshot.
    assert.deepEqual(before.desired, { a: { b: 1, c: [1, 2] } })
  })

  promise('writing tags leaves desired alone', async ({ platform, createDevice }) => {
    await createDevice('pump-1')
    const before = await platform.createModule(agent, { desired: { a: 1 } })
    const after = await platform.patchTwin(agent, { tags: { x: 1 } })
    assert.equal(after.desiredVersion, before.desiredVersion)
    assert.equal(after.desiredUpdatedMs, before.desiredUpdatedMs)
    assert.notEqual(after.etag, before.etag)
  })

  promise('what a module reports is seen, and does not touch desired', async (opened) => {
    await opened.createDevice('pump-1')
    const before = await opened.platform.createModule(agent, { desired: { a: 1 } })
    await opened.report(agent, { state: { value: 'on' }, gone: 1 })
    await opened.report(agent, { gone: null })
    const after = await opened.platform.findModule(agent)
    assert.deepEqual(after?.reported, { state: { value: 'on' } })
    assert.equal(after?.reportedVersion, before.reportedVersion + 2)
    assert.equal(after?.desiredVersion, before.desiredVersion)
    assert.equal(after?.etag, before.etag)
  })
}

function refusals(promise: Promised): void {
  promise('patchTwin with a stale etag changes nothing', async ({ platform, createDevice }) => {
    await createDevice('pump-1')
    const { etag } = await platform.createModule(agent, { tags: { n: 0 } })
    await platform.patchTwin(agent, { tags: { n: 1 } }, etag)
    await refuses(platform.patchTwin(agent, { tags: { n: 2 } }, etag), ['PreconditionFailed'])
    assert.deepEqual((await platform.findModule(agent))?.tags, { n: 1 })
  })

  promise('patchTwin over the limit of 8 KiB changes nothing', async (opened) => {
    await opened.createDevice('pump-1')
    await opened.platform.createModule(agent, { tags: { kept: true } })
    const tags = Object.fromEntries(
      Array.from({ length: 3 }, (_, n) => [`part${n}`, 'x'.repeat(3_000)]),
    )
    await refuses(opened.platform.patchTwin(agent, { tags }), ['ArgumentInvalid'])
    assert.deepEqual((await opened.platform.findModule(agent))?.tags, { kept: true })
  })

  promise('patchTwin of nobody is refused', async ({ platform, createDevice }) => {
    const nobody = ['DeviceNotFound', 'ModuleNotFound']
    await refuses(platform.patchTwin(agent, { tags: { x: 1 } }), nobody)
    await createDevice('pump-1')
    await refuses(platform.patchTwin(agent, { tags: { x: 1 } }), nobody)
  })
}

function messages(promise: Promised): void {
  promise(
    'sendSecurityMessage: as if the module had sent it, where that can be',
    async (opened) => {
      const { platform } = opened
      await opened.createDevice('pump-1')
      await platform.createModule(agent, {})
      let sequence: number
      try {
        sequence = await platform.sendSecurityMessage(agent, Buffer.from('{"n":7}'))
      } catch (error) {
        assert.ok(error instanceof HubError && error.code === 'NotImplemented', String(error))
        assert.deepEqual(await platform.readMessages(0, 10), [])
        return
      }
      const [message, ...more] = await platform.readMessages(sequence - 1, 10)
      assert.deepEqual(more, [])
      assert.deepEqual([message?.sequence, message?.ref], [sequence, agent])
      assert.equal(message && textOf(message), '{"n":7}')
    },
  )

  promise('messages wait in order until they are released', async (opened) => {
    await opened.createDevice('pump-1')
    await opened.platform.createModule(agent, {})
    for (const n of [0, 1, 2, 3]) {
      await opened.sendSecurityMessage(agent, Buffer.from(`{"n":${n},"text":"°"}`))
    }
    const all = await opened.platform.readMessages(0, 10)
    assert.deepEqual(
      all.map(textOf),
      [0, 1, 2, 3].map((n) => `{"n":${n},"text":"°"}`),
    )
    for (const { ref, enqueuedTimeMs } of all) {
      assert.deepEqual(ref, agent)
      assert.ok(enqueuedTimeMs > 0)
    }
    const [first, second, third] = all.map(({ sequence }) => sequence)
    assert.ok(first !== undefined && second !== undefined && third !== undefined)
    assert.ok(0 < first && first < second && second < third)
    const page = await opened.platform.readMessages(first, 2)
    assert.deepEqual(page.map(textOf), all.slice(1, 3).map(textOf))

    await opened.platform.releaseMessages(third)
    await opened.sendSecurityMessage(agent, Buffer.from('{"n":4}'))
    const left = await opened.platform.readMessages(third, 10)
    assert.deepEqual(left.map(textOf), ['{"n":3,"text":"°"}', '{"n":4}'])
  })

  promise('the message of a removed module is still read', async (opened) => {
    await opened.createDevice('pump-1')
    await opened.platform.createModule(agent, {})
    await opened.sendSecurityMessage(agent, Buffer.from('{}'))
    await opened.removeDevice('pump-1')
    assert.equal((await opened.platform.readMessages(0, 10)).length, 1)
  })
}

function notices(promise: Promised): void {
  promise('subscribers are told what happened, until they leave', async (opened) => {
    const told: PlatformNotice[] = []
    const leave = opened.platform.subscribe((notice) => told.push(notice))
    await opened.createDevice('pump-1')
    await opened.platform.createModule(agent, {})
    await opened.report(agent, { x: 1 })
    await opened.sendSecurityMessage(agent, Buffer.from('{}'))
    await opened.removeModule(agent)
    await opened.removeDevice('pump-1')
    const expected: readonly PlatformNotice[] = [
      { kind: 'device-created', deviceId: 'pump-1' },
      { kind: 'module-created', ref: agent },
      { kind: 'reported-changed', ref: agent },
      { kind: 'messages' },
      { kind: 'module-removed', ref: agent },
      { kind: 'device-removed', deviceId: 'pump-1' },
    ]
    await until(() => expected.every((one) => told.some((notice) => isSame(notice, one))))
    leave()
    const before = told.length
    await opened.createDevice('pump-2')
    const late: PlatformNotice[] = []
    opened.platform.subscribe((notice) => late.push(notice))
    await opened.createDevice('pump-3')
    await until(() => late.some((notice) => 'deviceId' in notice && notice.deviceId === 'pump-3'))
    assert.equal(told.length, before)
  })
}

function tagNotices(promise: Promised): void {
  promise('subscribers are told that tags of a device changed', async (opened) => {
    const told: PlatformNotice[] = []
    const leave = opened.platform.subscribe((notice) => told.push(notice))
    await opened.createDevice('pump-1', { SecurityGroup: 'outside' })
    await until(() =>
      told.some((notice) => notice.kind === 'tags-changed' && notice.deviceId === 'pump-1'),
    )
    leave()
  })
}

function textOf({ body }: SecurityMessage): string {
  return Buffer.from(body).toString('utf8')
}

function isSame(a: PlatformNotice, b: PlatformNotice): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

async function refuses(promise: Promise<unknown>, codes: readonly string[]): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof HubError && codes.includes(error.code))
}

async function until(isFact: () => boolean): Promise<void> {
  const deadline = Date.now() + NOTICE_DEADLINE_MS
  while (!isFact()) {
    assert.ok(Date.now() < deadline, 'a notice did not arrive in time')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
