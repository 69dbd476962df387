import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryEventLog, type Notice, silentLog, systemClock } from '@twinward/hub'
import { LEGACY_CONFIGURATION_KEY, shapeConfiguration } from '@twinward/protocol'
import { makeHub, until } from '../../hub/test/hub.ts'
import { MemoryConfigurationStore } from '../../security/src/adapters/memory/configuration-store.ts'
import { Configurations } from '../../security/src/configuration/configurations.ts'
import { securityModuleSeed } from '../../security/src/modules/seed.ts'
import { EmbeddedPlatform } from '../src/embedded-platform.ts'

const MODULE = 'azureiotsecurity'
const DEVICES = 500
const operator = { by: 'operator', isPrivileged: false }

/** A hub with so many devices of the group `outside`, and a few others. */
async function openFleet() {
  const eventLog = new MemoryEventLog()
  const hub = makeHub({ eventLog })
  const written = new Map<string, number>()
  hub.bus.subscribe((notice: Notice) => {
    if (notice.kind !== 'desired-changed') return
    const { deviceId } = notice.ref
    written.set(deviceId, (written.get(deviceId) ?? 0) + 1)
  })
  const { tags, desired } = securityModuleSeed(MODULE)
  const add = async (deviceId: string, group: string) => {
    await hub.identities.createDevice(deviceId, {})
    await hub.twins.patch({ deviceId }, { tags: { SecurityGroup: group } })
    await hub.identities.createModule({ deviceId, moduleId: MODULE }, {}, { tags, desired })
  }
  const outside = Array.from({ length: DEVICES }, (_, n) => `outside-${n}`)
  for (const deviceId of outside) await add(deviceId, 'Outside')
  for (const deviceId of ['inside-1', 'zone-1']) await add(deviceId, 'inside')
  const ports = {
    platform: new EmbeddedPlatform(hub, eventLog, { listen: '127.0.0.1' }),
    configurations: new MemoryConfigurationStore(),
    clock: systemClock,
    log: silentLog,
  }
  const start = () => {
    const options = { securityModuleId: MODULE, keys: {} }
    const configurations = new Configurations(ports, options, () => Promise.reject(new Error()))
    configurations.start()
    return configurations
  }
  const isRolledOut = async () => (await ports.configurations.rollout()).isDone
  const snapshotOf = async (deviceId: string) => {
    const { twin } = await hub.twins.get({ deviceId, moduleId: MODULE })
    const object = twin.desired.values[LEGACY_CONFIGURATION_KEY] as {
      readonly snapshotFrequency: { readonly value: string }
    }
    return object.snapshotFrequency.value
  }
  return { hub, outside, written, start, isRolledOut, snapshotOf }
}

test('a change of a group reaches each of its devices exactly once, over a restart too', async () => {
  const { hub, outside, written, start, isRolledOut, snapshotOf } = await openFleet()
  const own = { deviceId: 'outside-77', moduleId: MODULE }
  await hub.twins.patch(own, {
    desired: shapeConfiguration({ snapshotFrequency: 'PT9H' }, 'legacy'),
  })
  written.clear()
  const first = start()
  await first.shared.change({ group: 'outside' }, { snapshotFrequency: 'PT1H' }, operator)
  await until(() => written.size > 0)
  await first.close()
  const before = written.size
  assert.ok(before > 0 && before < DEVICES - 1, `${before} devices before the restart`)
  assert.equal(await isRolledOut(), false)

  const second = start()
  await until(isRolledOut)
  await second.close()
  assert.equal(written.size, DEVICES - 1)
  assert.ok([...written.values()].every((times) => times === 1))
  for (const deviceId of outside) {
    const expected = deviceId === own.deviceId ? 'PT9H' : 'PT1H'
    assert.equal(await snapshotOf(deviceId), expected)
  }
  assert.equal(await snapshotOf('inside-1'), 'PT13H')
})
