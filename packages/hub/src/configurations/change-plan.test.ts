import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type DeviceRef,
  HubError,
  type JsonObject,
  type JsonValue,
  refKey,
} from '@twinward/protocol'
import fc from 'fast-check'
import { fuzzRuns } from '../../../../tools/fuzz-runs.ts'
import {
  CONDITION_COUNT,
  CONTENTS,
  documentOf,
  KINDS,
  type ModelConfiguration,
} from '../../test/configuration-model.ts'
import {
  memoryStores,
  OWNER,
  put,
  startConfigurations,
  type TestConfigurations,
} from '../../test/configurations.ts'
import { noReview } from '../twins/desired-review.ts'
import { emptySection, patchSection, replaceSection } from '../twins/patch.ts'
import type { PlannedTwin, Proposal } from './change-plan.ts'
import { leafAt, patchOf } from './leaves.ts'

const LIMIT_BYTES = 32 * 1024

async function planAll({ configurations }: TestConfigurations, proposal: Proposal) {
  const twins: PlannedTwin[] = []
  let after: string | undefined
  do {
    const page = await configurations.plan(proposal, OWNER, after)
    twins.push(...page.twins)
    after = page.next
  } while (after !== undefined)
  return twins
}

/** What twins desire, by name. */
async function desires({ registry }: TestConfigurations): Promise<Map<string, JsonValue>> {
  const entries = await registry.listEntries(1000)
  return new Map(entries.map(({ ref, twin }) => [refKey(ref), twin.desired.values]))
}

/** The change is made, and every twin is then exactly as the plan had said. */
async function checkPlan(
  hub: TestConfigurations,
  proposal: Proposal,
  make: () => Promise<unknown>,
) {
  const planned = await planAll(hub, proposal)
  const names = planned.map(({ ref }) => refKey(ref))
  assert.equal(new Set(names).size, names.length, 'a twin is listed once')
  const before = await desires(hub)
  await make()
  await hub.configurations.engine.idle()
  const expected = new Map(before)
  for (const { ref, changes } of planned) {
    const patch = patchOf(changes.map(({ path, to }) => leafAt(path.split('.'), to ?? null)))
    const values = (before.get(refKey(ref)) ?? {}) as JsonObject
    const section = replaceSection(emptySection(1), values, 1, LIMIT_BYTES)
    expected.set(refKey(ref), patchSection(section, patch, 1, LIMIT_BYTES).values)
  }
  assert.deepEqual(Object.fromEntries(await desires(hub)), Object.fromEntries(expected))
}

const configurationOf: fc.Arbitrary<ModelConfiguration> = fc.record({
  kind: fc.constantFrom(...KINDS),
  paths: fc.constantFrom(...CONTENTS),
  condition: fc.nat({ max: CONDITION_COUNT - 1 }),
  priority: fc.nat({ max: 3 }),
})

test('what a plan says is what happens: created, changed, deleted', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(configurationOf, { minLength: 1, maxLength: 4 }),
      fc.array(fc.tuple(fc.constantFrom('x', 'y'), fc.nat({ max: 3 })), { maxLength: 4 }),
      configurationOf,
      async (present, twins, next) => {
        const hub = await startConfigurations()
        for (const [n, [site, fw]] of twins.entries()) {
          const device: DeviceRef = { deviceId: `d${n}` }
          const module = { ...device, moduleId: 'm0' }
          await hub.identities.createDevice(device.deviceId, {})
          await hub.identities.createModule(module, {})
          for (const ref of [device, module]) {
            await hub.twins.patch(ref, { tags: { site }, desired: { own: n, c: 'mine' } })
            if (fw > 0) await hub.twins.updateReported(ref, { fw })
          }
        }
        for (const [n, each] of present.entries()) await put(hub, `c${n}`, documentOf(each))
        const created = { id: 'new', ...documentOf(next) }
        await checkPlan(hub, { configuration: created }, () => put(hub, 'new', created))
        const changed = {
          id: 'c0',
          ...documentOf({ ...next, kind: present[0]?.kind ?? next.kind }),
        }
        await checkPlan(hub, { configuration: changed }, () => put(hub, 'c0', changed, '*'))
        await checkPlan(hub, { removed: 'new' }, () => hub.configurations.remove('new', '*'))
        await hub.stop()
      },
    ),
    fuzzRuns(25),
  )
})

test('the plan of a deployment names the modules of its devices, those too that it would bring', async () => {
  const hub = await startConfigurations()
  await hub.identities.createDevice('edge', { iotEdge: true })
  await hub.identities.createDevice('leaf', {})
  const base = (name: string, modules: JsonObject, priority: number) => ({
    id: name,
    content: {
      modulesContent: {
        $edgeAgent: { 'properties.desired': { schemaVersion: '1.1', name } },
        ...modules,
      },
    },
    targetCondition: '*',
    priority,
  })
  const low = base('low', { app: { 'properties.desired.a': 1 } }, 1)
  const high = base('high', { other: { 'properties.desired.b': 2 } }, 2)
  const planned = await planAll(hub, { configuration: low })
  assert.deepEqual(
    planned.map(({ ref, changes }) => [ref.moduleId, changes.map(({ path }) => path).sort()]),
    [
      ['$edgeAgent', ['name', 'schemaVersion']],
      ['app', ['a']],
    ],
  )
  await checkPlan(hub, { configuration: low }, () => put(hub, 'low', low))
  await checkPlan(hub, { configuration: high }, () => put(hub, 'high', high))
  // What stood behind it comes to modules that it did not know.
  await checkPlan(hub, { removed: 'high' }, () => hub.configurations.remove('high', '*'))
  await hub.stop()
})

test('a token of another plan, or of nobody, is refused', async () => {
  const hub = await startConfigurations()
  const configuration = {
    id: 'a',
    ...documentOf({ kind: 'deviceContent', paths: {}, condition: 9, priority: 0 }),
  }
  const tokens = [
    '',
    '!',
    ...[[], {}, { step: -1 }, { step: 9 }, { step: 0.5 }, { step: 0, after: {} }],
  ]
  for (const token of tokens) {
    const text =
      typeof token === 'string' ? token : Buffer.from(JSON.stringify(token)).toString('base64url')
    await assert.rejects(hub.configurations.plan({ configuration }, OWNER, text), {
      code: 'ArgumentInvalid',
    })
  }
  await hub.stop()
})

test('plan: an update by somebody who sends another content is refused as it will be', async () => {
  const review = {
    ...noReview,
    check: (...[, change]: Parameters<typeof noReview.check>) => {
      if (change.after.a !== 'root' || change.author?.rights.includes('RegistryWrite')) return []
      throw new HubError('GenericForbidden', 'a needs RegistryWrite.')
    },
  }
  const hub = await startConfigurations(memoryStores(), { review })
  const { configurations } = hub
  await hub.identities.createDevice('pump', {})
  const document = { content: { deviceContent: { 'properties.desired.a': 'root' } } }
  const clerk = { name: 'clerk', rights: ['ServiceConnect'] } as const
  await configurations.put('c', document, undefined, clerk)
  const other = { content: { deviceContent: { 'properties.desired.a': 1 } }, targetCondition: '*' }
  const [planned] = await planAll(hub, { configuration: { id: 'c', ...other } })
  assert.equal(planned?.refusal, 'a needs RegistryWrite.')
  await put(hub, 'c', other, '*')
  assert.equal((await hub.configurations.statusOf(PUMP)).statuses.c?.error, planned.refusal)
  await hub.stop()
})

const PUMP = { deviceId: 'pump' }
