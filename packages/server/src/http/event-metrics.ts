import type { Hub } from '@twinward/hub'
import { Counter, Gauge, type Registry } from 'prom-client'

/** What becomes of events: how much room they take, and what was not stored or went too early. */
export function eventMetrics(registry: Registry, hub: Hub): void {
  new Gauge({
    name: 'twinward_event_log_bytes',
    help: 'Room that events take which wait for readers, and security messages which wait to be evaluated.',
    labelNames: ['stream'],
    registers: [registry],
    collect() {
      for (const stream of ['telemetry', 'security'] as const) {
        this.set({ stream }, hub.retention.sizeOf(stream))
      }
    },
  })
  counter(registry, {
    name: 'twinward_events_dropped_total',
    help: 'Events that went before their time because there was no room.',
    read: () => hub.retention.droppedCount,
  })
  counter(registry, {
    name: 'twinward_telemetry_unrouted_total',
    help: 'Messages that were acknowledged and not stored: no route took them.',
    read: () => hub.routing.router.counts.unrouted,
  })
  counter(registry, {
    name: 'twinward_events_too_large_total',
    help: 'Events that were not stored: their enrichments made them larger than a message may be.',
    read: () => hub.routing.router.counts.tooLarge,
  })
  counter(registry, {
    name: 'twinward_security_messages_refused_total',
    help: 'Security messages that were refused because too many wait to be evaluated.',
    read: () => hub.telemetry.refusedSecurityMessages,
  })
}

/** Why no security messages are taken; `undefined` when they are. */
export function securityBacklogFault(hub: Hub): string | undefined {
  if (!hub.telemetry.isSecurityBacklogFull) return undefined
  return 'Security messages are refused: too many wait to be evaluated.'
}

interface CounterSource {
  readonly name: string
  readonly help: string
  readonly read: () => number
}

function counter(registry: Registry, { name, help, read }: CounterSource): void {
  new Counter({
    name,
    help,
    registers: [registry],
    collect() {
      this.reset()
      this.inc(read())
    },
  })
}
