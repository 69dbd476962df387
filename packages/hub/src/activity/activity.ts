import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Registry } from '../registry/registry.ts'
import type { Sessions } from '../sessions/sessions.ts'
import { AddressWatch } from './address-watch.ts'
import { AuditLog } from './audit-log.ts'
import type { AuditStore } from './audit-store.ts'
import { ConnectedDevices } from './connected-devices.ts'
import { ActivityCounters } from './counters.ts'
import { RefusedConnections } from './refused-connections.ts'

/** What the hub knows of its own use: counters per device, and the audit log. */
export interface Activity {
  readonly counters: ActivityCounters
  readonly connected: ConnectedDevices
  readonly audit: AuditLog
  readonly refusals: RefusedConnections
}

interface Ports {
  readonly store: AuditStore
  readonly registry: Pick<Registry, 'find'>
  readonly sessions: Pick<Sessions, 'isConnected'>
  readonly bus: EventBus
  readonly clock: Clock
  readonly log: Log
}

export function createActivity(ports: Ports): Activity {
  const { registry, sessions } = ports
  const counters = new ActivityCounters(ports)
  const audit = new AuditLog(ports)
  new AddressWatch({ ...ports, audit })
  return {
    ...{ counters, audit },
    connected: new ConnectedDevices(ports),
    refusals: new RefusedConnections({ registry, sessions, audit, counters }),
  }
}
