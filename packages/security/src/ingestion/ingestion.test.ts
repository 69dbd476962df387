import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../test/fake-clock.ts'
import { MemoryEventSchemaStore } from '../adapters/memory/event-schema-store.ts'
import { MemoryIngestionStore } from '../adapters/memory/ingestion-store.ts'
import { MemoryPlatform } from '../adapters/memory/platform.ts'
import { silentLog } from '../log.ts'
import { DEFAULT_INTAKE_LIMITS, Ingestion } from './ingestion.ts'

test('of a device that has sent nothing it is said that nothing came today', async () => {
  const clock = new FakeClock()
  const platform = new MemoryPlatform(clock)
  platform.addDevice('pump-1')
  const stores = {
    ingestion: new MemoryIngestionStore(),
    eventSchemas: new MemoryEventSchemaStore(),
  }
  const ports = { ...stores, platform, clock, log: silentLog }
  const ingestion = new Ingestion(ports, DEFAULT_INTAKE_LIMITS)
  const state = await ingestion.device('pump-1')
  assert.equal(state.hour, Math.floor(clock.now() / 3_600_000))
  assert.equal(state.day, Math.floor(clock.now() / 86_400_000))
  assert.deepEqual([state.dayBytes, state.hourRows, state.events], [0, 0, 0])
  await assert.rejects(ingestion.device('nobody'), { code: 'DeviceNotFound' })
})
