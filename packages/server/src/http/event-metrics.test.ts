import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryEventLog } from '@twinward/hub'
import { SECURITY_INTERFACE_ID } from '@twinward/protocol'
import { Registry } from 'prom-client'
import { TestClock } from '../../../hub/test/clock.ts'
import { makeHub } from '../../../hub/test/hub.ts'
import { eventMetrics, securityBacklogFault } from './event-metrics.ts'

test('metrics tell the room that events take, and everything that was not stored or went early', async () => {
  const clock = new TestClock()
  const eventLog = new MemoryEventLog()
  const limits = { maxBytes: 15_000, maxSecurityBacklogBytes: 15_000 }
  const hub = makeHub({ clock, eventLog, ...limits })
  const registry = new Registry()
  eventMetrics(registry, hub)
  const readMetric = async (line: string) => {
    const text = await registry.metrics()
    const found = text.split('\n').find((each) => each.startsWith(`${line} `))
    return Number(found?.slice(line.length + 1))
  }
  const names = [
    'twinward_events_dropped_total',
    'twinward_telemetry_unrouted_total',
    'twinward_events_too_large_total',
    'twinward_security_messages_refused_total',
  ]
  const values = () => Promise.all(names.map(readMetric))
  assert.deepEqual(await values(), [0, 0, 0, 0])
  assert.equal(securityBacklogFault(hub), undefined)

  const accept = (system: { interfaceId?: string }, bytes = 10_000) =>
    hub.telemetry.accept(
      { ref: { deviceId: 'pump-1' }, system, application: {}, body: Buffer.alloc(bytes) },
      { authMethod: '{}', generationId: '1', expiresAtMs: 0, identityEtag: 0 },
    )
  const security = { interfaceId: SECURITY_INTERFACE_ID }
  for (let n = 0; n < 2; n++) await Promise.all([accept({}), accept(security)])
  await assert.rejects(accept(security))
  hub.retention.start()
  clock.advance(1000)
  await new Promise(setImmediate)
  const enrichment = { key: 'k', value: 'v', endpointNames: ['events'] }
  await hub.routing.putEnrichment(enrichment, undefined)
  await accept({}, 256 * 1024)
  await hub.routing.replace({ fallbackRoute: { isEnabled: false } }, undefined)
  await Promise.all([accept({}), accept({})])

  assert.deepEqual(await values(), [1, 2, 1, 1])
  for (const stream of ['telemetry', 'security'] as const) {
    const line = `twinward_event_log_bytes{stream="${stream}"}`
    assert.equal(await readMetric(line), eventLog.size(stream))
  }
  assert.match(securityBacklogFault(hub) ?? '', /^Security messages are refused: /)
})
