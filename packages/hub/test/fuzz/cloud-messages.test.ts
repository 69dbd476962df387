import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type DeviceRef, HubError, refKey } from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import { MemoryMessageQueue } from '../../src/adapters/memory/message-queue.ts'
import { MemoryRegistry } from '../../src/adapters/memory/registry.ts'
import { SqliteMessageQueue } from '../../src/adapters/sqlite/message-queue.ts'
import type { MessageQueue } from '../../src/messages/message-queue.ts'
import { TestClock } from '../clock.ts'
import { ModelQueue } from '../cloud-message-model.ts'
import { makeHub, type TestHub } from '../hub.ts'

const folder = mkdtempSync(join(tmpdir(), 'twinward-cloud-messages-'))
after(() => rmSync(folder, { recursive: true }))
let files = 0

const REFS: readonly DeviceRef[] = [
  { deviceId: 'pump-1' },
  { deviceId: 'pump-1', moduleId: 'app' },
  { deviceId: 'pump-10' },
]

/** How a store is closed, as at the end of the process, and opened again. */
interface Store {
  readonly queue: MessageQueue
  reopen(): Promise<Store>
}

function memoryStore(): Store {
  const queue = new MemoryMessageQueue()
  const store = { queue, reopen: async () => store }
  return store
}

async function sqliteStore(file = join(folder, `${files++}.db`)): Promise<Store> {
  const onFailure = (error: Error) => {
    throw error
  }
  const queue = await SqliteMessageQueue.open({ file, onFailure })
  return {
    queue,
    reopen: async () => {
      await queue.close()
      return sqliteStore(file)
    },
  }
}

const aRef = fc.nat(REFS.length - 1)
const anAck = fc.constantFrom('none' as const, 'positive' as const, 'negative' as const, 'full')
const aCommand = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('send'), ref: aRef, ack: anAck }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('receive'), ref: aRef, n: fc.nat(4) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('complete', 'reject', 'abandon', 'abandon', 'release'),
      n: fc.nat(20),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('advance'),
      n: fc.constantFrom(1, 30_000, 60_000, 600_000, 3600_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('expire', 'restart') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('purge', 'recreate', 'fill', 'wear', 'overtake'),
      ref: aRef,
    }),
  },
)
type Command = { kind: string; ref?: number; ack?: 'none' | 'full'; n?: number }

/** The hub beside the model; every command goes to both. */
class Run {
  readonly clock = new TestClock()
  readonly registry = new MemoryRegistry()
  readonly told: string[] = []
  readonly models = REFS.map(() => new ModelQueue(this.told))
  /** Every message that was received, good or not. */
  readonly holds: { ref: number; hold: number; token: string }[] = []
  store: Store
  hub: TestHub
  #sent = 0

  constructor(store: Store) {
    this.store = store
    this.hub = this.#makeHub()
  }

  async start(): Promise<void> {
    for (const ref of REFS) await this.hub.keyOf(ref)
  }

  async do(command: Command): Promise<void> {
    const { kind, ref = 0, n = 0 } = command
    if (kind === 'send') await this.#send(ref, command.ack ?? 'none')
    else if (kind === 'fill') for (let i = 0; i < 52; i++) await this.#send(ref, 'full')
    else if (kind === 'receive') await this.#receive(ref, n)
    else if (kind === 'wear') await this.#wear(ref)
    else if (kind === 'overtake') await this.#overtake(ref)
    else if (kind === 'advance') this.clock.advance(n)
    else if (kind === 'expire') await this.#expire()
    else if (kind === 'restart') await this.#restart()
    else if (kind === 'purge') await this.#purge(ref)
    else if (kind === 'recreate') await this.#recreate(ref)
    else await this.#settle(kind, n)
    await this.#compareCounts(kind)
  }

  async feedback(): Promise<readonly string[]> {
    const records = await this.store.queue.readFeedback(10_000, [])
    return records.map(({ originalMessageId, status }) => `${originalMessageId} ${status}`)
  }

  #makeHub(): TestHub {
    const { clock, registry } = this
    return makeHub({ clock, registry, messageQueue: this.store.queue })
  }

  async #send(ref: number, ack: 'none' | 'full'): Promise<void> {
    const id = `m-${++this.#sent}`
    // Every third has an end of its own, sooner or later than the hub's.
    const ttlMs = [30_000, 7200_000][this.#sent % 3] ?? 3600_000
    const expiryTimeUtc = new Date(this.clock.now() + ttlMs).toISOString()
    const sent = await outcome(
      this.hub.cloudMessages.send(REFS[ref] as DeviceRef, {
        system: { messageId: id, expiryTimeUtc },
        ack,
        application: {},
        body: Buffer.from(id),
      }),
    )
    const isSent = this.models[ref]?.send(id, ack, this.clock.now(), ttlMs)
    assert.equal(sent, isSent ? 'done' : 'DeviceMaximumQueueDepthExceeded')
  }

  async #receive(ref: number, limit: number): Promise<void> {
    const received = await this.hub.cloudMessages.receive(REFS[ref] as DeviceRef, limit)
    const expected = this.models[ref]?.receive(limit, this.clock.now()) ?? []
    assert.deepEqual(
      received.map(({ system, deliveryCount }) => [system.messageId, deliveryCount]),
      expected.map(({ id, deliveries }) => [id, deliveries]),
    )
    for (const [at, { hold }] of expected.entries()) {
      const { lockToken = '', body } = received[at] ?? {}
      assert.equal(Buffer.from(body ?? []).toString(), expected[at]?.id)
      this.holds.push({ ref, hold, token: lockToken })
    }
  }

  async #settle(kind: string, n: number): Promise<void> {
    const held = this.holds[this.holds.length - 1 - n]
    const { ref, hold, token } = held ?? { ref: 0, hold: -1, token: 'never given' }
    const { cloudMessages } = this.hub
    const [target, model] = [REFS[ref] as DeviceRef, this.models[ref] as ModelQueue]
    if (kind === 'release') {
      await cloudMessages.release(target, [token])
      model.release(hold)
      return
    }
    const how = kind as 'complete' | 'reject' | 'abandon'
    const settled = await outcome(cloudMessages[how](target, token))
    const isGood = model.settle(how, hold, this.clock.now())
    assert.equal(settled, isGood ? 'done' : 'DeviceMessageLockLost')
  }

  /** Until the oldest message is dead. */
  async #wear(ref: number): Promise<void> {
    for (let i = 0; i < 11; i++) {
      await this.#receive(ref, 1)
      await this.#settle('abandon', 0)
    }
  }

  /** The end of some messages comes while they are held. */
  async #overtake(ref: number): Promise<void> {
    await this.#receive(ref, 4)
    this.clock.advance(30_000)
    await this.#expire()
  }

  async #expire(): Promise<void> {
    await this.hub.cloudMessages.expire()
    for (const model of this.models) model.expire(this.clock.now())
  }

  async #purge(ref: number): Promise<void> {
    const purged = await this.hub.cloudMessages.purge(REFS[ref] as DeviceRef)
    assert.equal(purged, this.models[ref]?.purge())
  }

  async #recreate(ref: number): Promise<void> {
    const removed = REFS[ref] as DeviceRef
    await this.hub.identities.remove(removed, '*')
    for (const one of REFS) await this.hub.keyOf(one)
    for (const [at, one] of REFS.entries()) {
      const isGone = refKey(one) === refKey(removed) || isModuleOf(one, removed)
      if (isGone) this.models[at]?.purge()
      // Its turn comes after the removal of what is left.
      if (isGone) assert.equal(await this.hub.cloudMessages.purge(one), 0)
    }
  }

  async #restart(): Promise<void> {
    // Generations are ticks of the clock, and no hub starts twice within one.
    this.clock.advance(1)
    this.store = await this.store.reopen()
    this.hub = this.#makeHub()
    const stop = await this.hub.cloudMessages.start()
    stop()
    for (const model of this.models) model.releaseAll()
  }

  async #compareCounts(kind: string): Promise<void> {
    for (const [at, ref] of REFS.entries()) {
      const expected = this.models[at]?.messages.length
      assert.equal(await this.hub.cloudMessages.count(ref), expected, `after ${kind}`)
    }
  }
}

function isModuleOf(ref: DeviceRef, device: DeviceRef): boolean {
  return device.moduleId === undefined && ref.deviceId === device.deviceId
}

async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'done'
  } catch (error) {
    if (error instanceof HubError) return error.code
    throw error
  }
}

function holdsAgainstModel(open: () => Promise<Store>, numRuns: number): Promise<void> {
  const property = fc.asyncProperty(
    fc.array(aCommand as fc.Arbitrary<Command>, { minLength: 1, maxLength: 60 }),
    async (commands) => {
      const run = new Run(await open())
      try {
        await run.start()
        for (const command of commands) await run.do(command)
        assert.deepEqual([...(await run.feedback())].sort(), [...run.told].sort())
      } finally {
        await run.store.queue.close()
      }
    },
  )
  return fc.assert(property, fuzzRuns(numRuns))
}

test('cloud messages: any sequence of calls ends as in the naive model, on memory', async () => {
  await holdsAgainstModel(async () => memoryStore(), 300)
})

test('cloud messages: any sequence of calls ends as in the naive model, on SQLite', async () => {
  await holdsAgainstModel(() => sqliteStore(), 3)
})
