import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { pickLogicalModule } from '../../src/modules/logical.ts'
import { MODULE_POLICIES, type ModulePolicy } from '../../src/modules/policy.ts'
import { PASS_INTERVAL_MS, REMOVAL_GRACE_MS } from '../../src/modules/reconcile.ts'
import { operatorTags } from '../../src/modules/record.ts'
import type { PlatformNotice, TwinPlatform } from '../../src/platform.ts'
import { settle } from '../fake-clock.ts'
import { MODULE_ID, moduleService, newWorld } from '../module-world.ts'

// Devices, modules, agents, operators and a service that is restarted and misses notices, in any order.
// Once everything is at rest and a pass went over it, each device has what the policy says, and what
// was deleted by mistake is there again.

const DEVICES = ['a', 'b']
const MODULES = [MODULE_ID, 'DefenderIotMicroAgent', 'camera']
/** A pass and everything that follows from it. */
const QUIET_MS = PASS_INTERVAL_MS + 60_000

type Step =
  | { readonly kind: 'add' | 'remove' | 'suspend' | 'resume' | 'forget'; readonly deviceId: string }
  | {
      readonly kind: 'make' | 'delete' | 'want' | 'connect' | 'report' | 'lose' | 'replace'
      readonly deviceId: string
      readonly moduleId: string
    }
  | { readonly kind: 'restart' | 'deafen' | 'hear' | 'settle' | 'rest' }
  | { readonly kind: 'wait'; readonly ms: number }

const deviceId = fc.constantFrom(...DEVICES)
const moduleId = fc.constantFrom(...MODULES)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('add' as const, 'add', 'remove', 'suspend', 'resume', 'forget'),
    deviceId,
  }),
  // What is owed to somebody, and what to nobody: seen at rest, then deleted.
  fc.record({ kind: fc.constantFrom('lose' as const, 'replace'), deviceId, moduleId }),
  fc.record({
    kind: fc.constantFrom('make' as const, 'delete', 'want', 'connect', 'report'),
    ...{ deviceId, moduleId },
  }),
  fc.record({ kind: fc.constantFrom('restart' as const, 'deafen', 'hear', 'settle', 'rest') }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 20_000 }) }),
)

/** What a device is owed: the module that it had when all was at rest, and that was deleted since. */
interface Owed {
  readonly moduleId: string
  readonly desired: JsonObject
  readonly tags: JsonObject
}

/** A world in which anything may happen, and what has to be true in it afterwards. */
class Simulation {
  readonly #world = newWorld()
  readonly #policy: ModulePolicy
  #isDeaf = false
  #service: ReturnType<typeof moduleService>
  /** How often a device of this name was made: what belongs to which carries the number. */
  readonly #births = new Map<string, number>()
  /** Of devices that are at rest, the module that speaks for them. */
  readonly #rested = new Map<string, Owed>()
  readonly #owed = new Map<string, Owed>()
  #marks = 0

  constructor(policy: ModulePolicy) {
    this.#policy = policy
    this.#service = this.#start()
  }

  #start() {
    const { platform } = this.#world
    const hear = (listener: (notice: PlatformNotice) => void) =>
      platform.subscribe((notice) => {
        if (!this.#isDeaf) listener(notice)
      })
    const heard = new Proxy<TwinPlatform>(platform, {
      get: (target, name) => {
        if (name === 'subscribe') return hear
        const member = target[name as keyof TwinPlatform]
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    const service = moduleService({ ...this.#world, platform: heard }, { policy: this.#policy })
    service.start()
    return service
  }

  async run(step: Step): Promise<void> {
    if ('moduleId' in step) return this.#touchModule(step)
    if ('deviceId' in step) return this.#touchDevice(step)
    const { clock } = this.#world
    if (step.kind === 'wait') await clock.advance(step.ms)
    else if (step.kind === 'settle') await settle()
    else if (step.kind === 'deafen') this.#isDeaf = true
    else if (step.kind === 'hear') this.#isDeaf = false
    else if (step.kind === 'rest') await this.rest()
    else {
      const closed = this.#service.close()
      await clock.advance(60_000)
      await closed
      this.#service = this.#start()
    }
  }

  async #touchDevice({ kind, deviceId }: Extract<Step, { deviceId: string }>): Promise<void> {
    const { platform } = this.#world
    const exists = (await platform.listModules(deviceId)) !== undefined
    if (kind === 'add') {
      if (exists) return
      this.#births.set(deviceId, (this.#births.get(deviceId) ?? 0) + 1)
      platform.addDevice(deviceId)
    } else if (kind === 'remove') {
      this.#forgive(deviceId)
      platform.removeDevice(deviceId)
    } else {
      // Whatever is refused, and whatever it changes: it is not at rest any more.
      this.#rested.delete(deviceId)
      const { lifecycle } = this.#service
      const until = { untilMs: this.#world.clock.now() + 30_000, reason: '' }
      const asked =
        kind === 'suspend'
          ? lifecycle.suspend(deviceId, until, 'x')
          : kind === 'resume'
            ? lifecycle.resume(deviceId, 'x')
            : lifecycle.forget(deviceId, 'x')
      if (kind === 'forget') this.#owed.delete(deviceId)
      await Promise.race([asked.catch(() => {}), this.#world.clock.advance(10_000)])
    }
  }

  async #touchModule(step: Extract<Step, { moduleId: string }>): Promise<void> {
    const { kind, deviceId, moduleId } = step
    const { platform } = this.#world
    if (kind === 'lose') {
      await this.run({ kind: 'want', deviceId, moduleId })
      await this.rest()
      return this.run({ kind: 'delete', deviceId, moduleId })
    }
    if (kind === 'replace') {
      await this.run({ kind: 'want', deviceId, moduleId })
      await this.rest()
      await this.run({ kind: 'remove', deviceId })
      return this.run({ kind: 'add', deviceId })
    }
    const ref = { deviceId, moduleId }
    const exists = (await platform.findModule(ref)) !== undefined
    if (kind === 'make') {
      const isDevice = (await platform.listModules(deviceId)) !== undefined
      if (exists || !isDevice) return
      if (moduleId !== 'camera') this.#forgive(deviceId)
      // The service may be faster.
      await platform.createModule(ref, { desired: this.#mark(deviceId) }).catch(() => {})
    } else if (!exists) return
    else if (kind === 'delete') {
      await this.#noteDeletion(ref)
      platform.removeModule(ref)
    } else if (kind === 'want') {
      // What was owed has been restored, and is changed.
      if (moduleId !== 'camera') this.#forgive(deviceId)
      await platform.patchTwin(ref, {
        desired: this.#mark(deviceId),
        tags: { site: ++this.#marks },
      })
    } else if (kind === 'connect') {
      const module = await platform.findModule(ref)
      this.#rested.delete(deviceId)
      platform.setConnected(ref, !module?.connected)
    } else platform.report(ref, { latest_state: 'success', n: ++this.#marks })
  }

  async #noteDeletion({ deviceId, moduleId }: { deviceId: string; moduleId: string }) {
    const rested = this.#rested.get(deviceId)
    this.#rested.delete(deviceId)
    if (moduleId === 'camera') return
    const modules = (await this.#world.platform.listModules(deviceId)) ?? []
    const others = modules.filter((module) => module.ref.moduleId !== moduleId)
    // A module of another era that is left speaks for the device, and nothing is missing.
    if (pickLogicalModule(others)) this.#owed.delete(deviceId)
    else if (rested?.moduleId === moduleId) this.#owed.set(deviceId, rested)
  }

  #forgive(deviceId: string): void {
    this.#rested.delete(deviceId)
    this.#owed.delete(deviceId)
  }

  #mark(deviceId: string): JsonObject {
    return { mark: `${deviceId} ${this.#births.get(deviceId)} ${++this.#marks}` }
  }

  /** Lets everything come to rest, then looks whether all is as it has to be. */
  async rest(): Promise<void> {
    this.#isDeaf = false
    await this.#world.clock.advance(QUIET_MS)
    for (const deviceId of DEVICES) await this.#check(deviceId)
    const counts = await this.#world.modules.counts()
    const devices = await this.#world.platform.listDevices(100)
    const counted = Object.values(counts).reduce((sum, count) => sum + count, 0)
    assert.equal(counted, devices.length, 'each device has one record, nobody else has')
  }

  async #check(deviceId: string): Promise<void> {
    const { platform, modules: store } = this.#world
    const modules = await platform.listModules(deviceId)
    const record = await store.find(deviceId)
    if (modules === undefined) {
      assert.equal(record, undefined, `${deviceId} is gone, its record is not`)
      return
    }
    const logical = pickLogicalModule(modules)
    assert.equal(record?.kept?.moduleId, logical?.ref.moduleId, `the record of ${deviceId}`)
    for (const { desired } of modules) this.#checkBirth(deviceId, desired)
    if (this.#policy === 'automatic') assert.ok(logical, `${deviceId} has no security module`)
    if (logical) assert.deepEqual(record?.kept?.tags, operatorTags(logical.tags))
    const owed = this.#owed.get(deviceId)
    this.#owed.delete(deviceId)
    if (owed && this.#policy !== 'manual') {
      assert.equal(logical?.ref.moduleId, owed.moduleId)
      assert.deepEqual(logical?.desired, owed.desired, `the configuration of ${deviceId}`)
      assert.deepEqual(operatorTags(logical?.tags ?? {}), owed.tags)
    } else if (owed) {
      const kept = (await store.findTombstone(deviceId))?.moduleId
      assert.equal(kept, owed.moduleId, `${deviceId} has no tombstone`)
    }
    this.#rested.delete(deviceId)
    if (!logical) return
    const { ref, desired, tags } = logical
    this.#rested.set(deviceId, { moduleId: ref.moduleId, desired, tags: operatorTags(tags) })
  }

  /** No device gets what belonged to another one that had its id before. */
  #checkBirth(deviceId: string, { mark }: JsonObject): void {
    if (typeof mark !== 'string') return
    const [id, birth] = mark.split(' ')
    assert.deepEqual([id, Number(birth)], [deviceId, this.#births.get(deviceId)])
  }

  async close(): Promise<void> {
    const closed = this.#service.close()
    await this.#world.clock.advance(REMOVAL_GRACE_MS)
    await closed
  }
}

for (const policy of MODULE_POLICIES) {
  test(`after any history each device has the security module that ${policy} gives it`, async () => {
    const history = fc.array(step, { minLength: 5, maxLength: 60 })
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const simulation = new Simulation(policy)
        for (const deviceId of DEVICES) await simulation.run({ kind: 'add', deviceId })
        for (const one of steps) await simulation.run(one)
        await simulation.rest()
        await simulation.close()
      }),
      fuzzRuns(25),
    )
  })
}
