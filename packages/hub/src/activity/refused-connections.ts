import { type DeviceRef, HubError, refKey } from '@twinward/protocol'
import { refusalReason } from '../registry/refusals.ts'
import type { Registry } from '../registry/registry.ts'
import type { Sessions } from '../sessions/sessions.ts'
import type { AuditLog } from './audit-log.ts'
import type { ActivityCounters } from './counters.ts'

interface Ports {
  readonly registry: Pick<Registry, 'find'>
  readonly sessions: Pick<Sessions, 'isConnected'>
  readonly audit: Pick<AuditLog, 'note'>
  readonly counters: Pick<ActivityCounters, 'count'>
}

/** Devices and modules that were not let in: gateways tell of each once they refuse it. */
export class RefusedConnections {
  readonly #ports: Ports

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /**
   * @param ref  who it said it was
   * @param thrown  by `Authenticator`; what is no refusal says nothing about the peer
   * @param address  of the peer
   */
  async refused(ref: DeviceRef, thrown: unknown, address: string): Promise<void> {
    if (!(thrown instanceof HubError)) return
    const reason = refusalReason(thrown)
    if (reason === undefined) return
    const { registry, sessions, audit, counters } = this.#ports
    const refusal = { kind: 'auth.failure', outcome: 'failure', address } as const
    // A stranger may say any name, so only names of ours are kept by themselves.
    const entry = reason === 'unknownIdentity' ? undefined : await this.#found(registry, ref)
    if (!entry) {
      audit.note({ ...refusal, reason: 'unknownIdentity', subject: refKey(ref) })
      return
    }
    counters.count(ref.deviceId, 'unauthorizedOperations')
    const { cause } = thrown
    audit.note({
      ...{ ...refusal, reason, ref, isConnected: sessions.isConnected(ref) },
      ...(typeof cause === 'string' && { detail: cause }),
    })
  }

  async #found(registry: Ports['registry'], ref: DeviceRef) {
    try {
      return await registry.find(ref)
    } catch {
      // Then the refusal itself will have failed too; nobody waits for this.
      return undefined
    }
  }
}
