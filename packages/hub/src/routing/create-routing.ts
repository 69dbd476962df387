import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { EventLog } from '../messages/event-log.ts'
import type { HostNames } from '../registry/host-names.ts'
import type { Registry } from '../registry/registry.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { ConnectionEvents } from './connection-events.ts'
import { HubEvents } from './hub-events.ts'
import { Router } from './router.ts'
import { Routing } from './routing.ts'
import type { RoutingStore } from './routing-store.ts'

export interface RoutingPorts {
  readonly store: RoutingStore
  readonly eventLog: EventLog
  readonly registry: Pick<Registry, 'find'>
  readonly sessions: Pick<Sessions, 'isConnected'>
  readonly hostNames: Pick<HostNames, 'hubName'>
  readonly bus: EventBus
  readonly clock: Clock
  readonly log: Log
}

/** The routing of a hub and what depends on it: `events` for services, `connectionEvents` for messages. */
export function createRouting(ports: RoutingPorts) {
  const router = new Router(ports.hostNames)
  const events = new HubEvents(ports, router)
  const connectionEvents = new ConnectionEvents(ports, events, router)
  const changed = () => ports.bus.publish({ kind: 'setup-changed' })
  const routing = new Routing(ports.store, router, connectionEvents, changed)
  return { routing, events, connectionEvents }
}
