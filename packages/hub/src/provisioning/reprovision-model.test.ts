import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HubError } from '@twinward/protocol'
import fc from 'fast-check'
import { TestClock } from '../../test/clock.ts'
import { makeHub, type TestHub } from '../../test/hub.ts'
import { enrol, registrant } from '../../test/provisioning.ts'
import type { EnrollmentWrite } from './read-enrollment.ts'

const RUNS = 150
const SEED = 20_261_122
const deviceId = 'pump-1'
const name = { kind: 'individual', id: deviceId } as const

/** What the enrolment, the device and the registration must be: the rules once more, said shortly. */
interface Model {
  key: number
  isEnabled: boolean
  staysAssigned: boolean
  /** The device: which key it has, and what its tag says. */
  device: { key: number; tag: number } | undefined
  /** When what is assigned changed last; `undefined`: never registered. */
  assignedMs: number | undefined
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('register' as const), key: fc.nat(2) }) },
  fc.record({ do: fc.constant('rotate' as const), key: fc.nat(2) }),
  fc.record({ do: fc.constantFrom('toggle' as const, 'stick' as const, 'delete' as const) }),
  fc.record({ do: fc.constant('tag' as const), tag: fc.integer({ min: 1, max: 9 }) }),
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

test('register: in any order of registrations, new keys, deletions and settings, the rules hold', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
      const clock = new TestClock()
      const hub = makeHub({ clock })
      const model: Model = {
        ...{ key: 0, isEnabled: true, staysAssigned: false },
        ...{ device: undefined, assignedMs: undefined },
      }
      await enrol(hub, 'individual', deviceId, settingsOf(model))
      for (const one of steps) {
        clock.advance(60_000)
        await apply(one, hub, model)
        await assertDevice(hub, model)
      }
    }),
    { numRuns: RUNS, seed: SEED },
  )
})

async function apply(one: Step, hub: TestHub, model: Model): Promise<void> {
  switch (one.do) {
    case 'register':
      return register(hub, model, one.key)
    case 'delete':
      if (model.device) await hub.identities.remove({ deviceId }, '*')
      model.device = undefined
      return
    case 'tag':
      if (!model.device) return
      await hub.twins.patch({ deviceId }, { tags: { tag: one.tag } })
      model.device.tag = one.tag
      return
    case 'rotate':
      model.key = one.key
      break
    case 'toggle':
      model.isEnabled = !model.isEnabled
      break
    case 'stick':
      model.staysAssigned = !model.staysAssigned
  }
  await hub.provisioning.enrollments.put(name, settingsOf(model), '*')
}

async function register(hub: TestHub, model: Model, key: number): Promise<void> {
  const asked = hub.provisioning.registrations.register(registrant(deviceId, keyOf(key)))
  if (key !== model.key) {
    await assert.rejects(asked, (error) => error instanceof HubError)
    return
  }
  const { status, updatedMs } = await asked
  assert.equal(status, model.isEnabled ? 'assigned' : 'disabled')
  if (!model.isEnabled) return
  const isKept = model.staysAssigned && model.assignedMs !== undefined
  if (!isKept && model.device?.key !== key) model.assignedMs = hub.clock.now()
  model.assignedMs ??= hub.clock.now()
  if (!isKept) model.device = { key, tag: model.device?.tag ?? 0 }
  assert.equal(updatedMs, model.assignedMs)
}

async function assertDevice(hub: TestHub, { device }: Model): Promise<void> {
  const [entry] = await hub.identities.listDevices(2)
  const { authentication } = entry?.identity ?? {}
  const shown = authentication?.type === 'sas' && [authentication.primaryKey, entry?.twin.tags.tag]
  assert.deepEqual(shown, device ? [keyOf(device.key), device.tag] : false)
}

function settingsOf({ key, isEnabled, staysAssigned }: Model): EnrollmentWrite {
  const symmetricKey = { primaryKey: keyOf(key), secondaryKey: keyOf(9) }
  return {
    attestation: { type: 'symmetricKey', symmetricKey },
    provisioningStatus: isEnabled ? 'enabled' : 'disabled',
    reprovisionPolicy: { updateHubAssignment: !staysAssigned },
    initialTwin: { tags: { tag: 0 } },
  }
}

function keyOf(key: number): string {
  return Buffer.alloc(32, key + 1).toString('base64')
}
