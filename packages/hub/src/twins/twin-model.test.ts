import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  type DeviceRef,
  HubError,
  type Identity,
  type JsonObject,
  type JsonValue,
} from '@twinward/protocol'
import fc from 'fast-check'
import {
  advance,
  type EtagForm,
  merged,
  newModel,
  type Step,
  serviceViewOf,
} from '../../test/twin-model.ts'
import { InProcessBus } from '../adapters/memory/bus.ts'
import { MemoryRegistry } from '../adapters/memory/registry.ts'
import { SqliteRegistry } from '../adapters/sqlite/registry.ts'
import { silentLog } from '../log.ts'
import type { Registry } from '../registry/registry.ts'
import { formatTwinEtag } from './etag.ts'
import { emptySection } from './patch.ts'
import { Twins } from './twins.ts'
import { deviceView, serviceView } from './view.ts'

// A random history of services and a device that write, some of it refused, against the model: the
// twin, its views, and what the device was told.

const BORN_MS = 1_767_225_600_000

const identity: Identity = {
  generationId: '1',
  etag: 7,
  status: 'enabled',
  statusReason: null,
  statusUpdatedTimeMs: 0,
  connectionStateUpdatedTimeMs: 0,
  lastActivityTimeMs: 0,
  authentication: { type: 'certificateAuthority' },
  iotEdge: false,
  managedBy: '',
  modelId: '',
}

const name = fc.constantFrom('a', 'b', 'c', '', 'é', '__proto__', 'toString')
const scalar = fc.oneof(
  fc.constantFrom('x', 'yz', ''),
  fc.integer({ min: -9, max: 9 }),
  fc.boolean(),
)
const { patch } = fc.letrec<{ patch: JsonObject; array: JsonValue; plain: JsonObject }>((tie) => ({
  plain: fc.dictionary(name, scalar, { maxKeys: 2, noNullPrototype: true }),
  array: fc.array(fc.oneof(scalar, tie('plain')), { maxLength: 3 }),
  patch: fc.dictionary(
    name,
    fc.oneof({ maxDepth: 3 }, scalar, fc.constant(null), tie('array'), tie('patch')),
    { maxKeys: 4, noNullPrototype: true },
  ),
}))
const section = fc.option(patch, { nil: undefined, freq: 4 })
const nullable = fc.oneof(
  { weight: 6, arbitrary: section },
  { weight: 1, arbitrary: fc.constant(null) },
)
const etag = fc.constantFrom<EtagForm>('none', 'none', 'fresh', 'stale', '*')
const bad: fc.Arbitrary<JsonObject> = fc.constantFrom<JsonObject>(
  { ok: 1, 'a.b': 1 },
  {
    ok: 1,
    big: Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, 'x'.repeat(4096)])),
  },
  { ok: 1, int: 4503599627370496 },
  { ok: 1, list: [null] },
)

const versions = fc.constantFrom('none' as const, 'fresh' as const, 'stale' as const)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('patch' as const), tags: nullable, desired: nullable, etag }),
  fc.record({ kind: fc.constant('replace' as const), tags: section, desired: section, etag }),
  fc.record({ kind: fc.constant('report' as const), patch, version: versions }),
  fc.record({
    kind: fc.constant('bad' as const),
    section: fc.constantFrom('tags' as const, 'desired' as const, 'reported' as const),
    value: bad,
  }),
)

/** A device on a hub, beside its model and what it was told, merged. */
class Bench {
  readonly model = newModel(BORN_MS)
  readonly #ref: DeviceRef
  #twins: Twins
  #nowMs = BORN_MS
  #told: { values: JsonObject; version: number } = { values: {}, version: 1 }

  private constructor(ref: DeviceRef, registry: Registry) {
    this.#ref = ref
    this.#twins = this.#serve(registry)
  }

  static async open(registry: Registry, deviceId = 'pump'): Promise<Bench> {
    const empty = emptySection(BORN_MS)
    const twin = { etag: 1, version: 2, tags: {}, desired: empty, reported: empty }
    assert.equal(await registry.insert([{ ref: { deviceId }, identity, twin }]), 'inserted')
    return new Bench({ deviceId }, registry)
  }

  /** Goes on with another hub on the same store. */
  restart(registry: Registry): void {
    this.#twins = this.#serve(registry)
  }

  #serve(registry: Registry): Twins {
    const bus = new InProcessBus(silentLog)
    bus.subscribe((notice) => {
      if (notice.kind !== 'desired-changed') return
      assert.equal(notice.version, this.#told.version + 1, 'no version is left out')
      assert.ok(!Object.keys(notice.patch).some((key) => key.startsWith('$')))
      const values = merged(this.#told.values, notice.patch)
      this.#told = { values, version: notice.version }
    })
    const clock = { now: () => this.#nowMs, sleep: async () => {}, every: () => () => {} }
    return new Twins({ registry, bus, clock })
  }

  async run(step: Step): Promise<void> {
    this.#nowMs += 1500
    const expected = expectedError(step)
    if (expected === undefined) {
      await this.#write(step)
      advance(this.model, step, this.#nowMs)
      return
    }
    const before = JSON.stringify(await this.#twins.get(this.#ref))
    const isExpected = (error: unknown) => error instanceof HubError && error.code === expected
    await assert.rejects(this.#write(step), isExpected)
    const after = JSON.stringify(await this.#twins.get(this.#ref))
    assert.equal(after, before, 'nothing of it was applied')
  }

  async #write(step: Step): Promise<unknown> {
    if (step.kind === 'report') {
      const { version } = this.model.reported
      const demanded = { none: undefined, fresh: version, stale: version - 1 }[step.version]
      return this.#twins.updateReported(this.#ref, step.patch, demanded)
    }
    if (step.kind === 'bad') {
      const { section, value } = step
      if (section === 'reported') return this.#twins.updateReported(this.#ref, value)
      return this.#twins.patch(this.#ref, { tags: { ok: 2 }, [section]: value })
    }
    const { kind, etag, ...sections } = step
    const isGiven = ([, value]: [string, unknown]) => value !== undefined
    const written = Object.fromEntries(Object.entries(sections).filter(isGiven))
    const { etag: now } = this.model
    const forms = { fresh: formatTwinEtag(now), stale: formatTwinEtag(now - 1), '*': '*' }
    return this.#twins[kind](this.#ref, written, etag === 'none' ? {} : { ifMatch: forms[etag] })
  }

  async check(): Promise<void> {
    const entry = await this.#twins.get(this.#ref)
    const { etag, version, tags, desired, reported } = this.model
    const view = JSON.parse(serviceView(entry, false))
    assert.deepEqual(
      { etag: view.etag, version: view.version, tags: view.tags, properties: view.properties },
      {
        etag: formatTwinEtag(etag),
        version,
        tags,
        properties: { desired: serviceViewOf(desired), reported: serviceViewOf(reported) },
      },
    )
    assert.deepEqual(JSON.parse(deviceView(entry.twin)), {
      desired: { ...desired.values, $version: desired.version },
      reported: { ...reported.values, $version: reported.version },
    })
    assert.deepEqual(this.#told, { values: desired.values, version: desired.version })
  }
}

function expectedError(step: Step): string | undefined {
  if (step.kind === 'bad') return 'ArgumentInvalid'
  const isStale = (step.kind === 'report' ? step.version : step.etag) === 'stale'
  return isStale ? 'PreconditionFailed' : undefined
}

test('twins in memory: any history of writes leaves what the model says, refusals leave nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const bench = await Bench.open(new MemoryRegistry())
      for (const next of steps) {
        await bench.run(next)
        await bench.check()
      }
    }),
    { numRuns: 200 },
  )
})

test('twins in SQLite: the same, and a restart in between changes nothing', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'twins-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const histories = fc.array(fc.array(step, { maxLength: 12 }), { minLength: 40, maxLength: 40 })
  // One run: opening the store costs more than all that is written to it.
  await fc.assert(
    fc.asyncProperty(histories, (devices) => runInSqlite(join(folder, 'hub.db'), devices)),
    { numRuns: 1, endOnFailure: true },
  )
})

async function runInSqlite(file: string, histories: readonly (readonly Step[])[]): Promise<void> {
  const open = () => SqliteRegistry.open({ file, onFailure: assert.ifError })
  let registry = await open()
  const benches = await Promise.all(histories.map((_, at) => Bench.open(registry, `pump-${at}`)))
  for (const part of ['first', 'second', 'none']) {
    await Promise.all(
      benches.map(async (bench, at) => {
        const steps = histories[at] ?? []
        const half = steps.length >> 1
        const turn = { first: steps.slice(0, half), second: steps.slice(half) }[part] ?? []
        for (const next of turn) await bench.run(next)
        await bench.check()
      }),
    )
    await registry.close()
    registry = await open()
    for (const bench of benches) bench.restart(registry)
  }
  await registry.close()
}
