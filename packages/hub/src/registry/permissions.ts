import {
  type DeviceMessage,
  type DeviceRef,
  HubError,
  isSecurityMessage,
  isSecurityModuleId,
  refKey,
} from '@twinward/protocol'
import type { ActivityCounters } from '../activity/counters.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'

/** Lines about refusals in the log, and the time in which no more of them are written. */
export const MAX_LOGGED_REFUSALS = 10
export const REFUSAL_LOG_WINDOW_MS = 60_000

/** What a session may want beyond its own twin and security messages. */
export type Use = 'telemetry' | 'cloud-messages' | 'methods' | 'inputs'

export interface SecurityModuleRules {
  /**
   * `restricted`: a security module may send security messages, read its own desired properties and
   * write its own reported ones, nothing else. `full`: what every module may.
   */
  readonly access: 'restricted' | 'full'
  /** The id of the security modules that this hub makes, beside the well-known ones. */
  readonly securityModuleId: string
}

/** What the ports of `Permissions` are. */
interface PermissionPorts {
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  readonly counters?: Pick<ActivityCounters, 'count'>
}

/**
 * What an identity may do once it has proven who it is (security 07 §6, A2). Gateways ask here; that
 * an identity acts for itself alone they know already.
 */
export class Permissions {
  readonly #ports: PermissionPorts
  readonly #rules: SecurityModuleRules
  #count = 0
  #window = { startMs: Number.NEGATIVE_INFINITY, lines: 0, unlogged: 0 }

  constructor(ports: PermissionPorts, rules: SecurityModuleRules) {
    this.#ports = ports
    this.#rules = rules
  }

  /** Refusals since the start. */
  get refusedCount(): number {
    return this.#count
  }

  /** Counts and logs a refusal. */
  allows(ref: DeviceRef, use: Use): boolean {
    if (!this.isRestricted(ref)) return true
    this.#refused(ref, use)
    return false
  }

  /** @throws {HubError} `IotHubUnauthorizedAccess` */
  check(ref: DeviceRef, use: Use): void {
    if (!this.allows(ref, use)) throw refusal(use)
  }

  /**
   * Whether a sender may send all of these.
   *
   * @throws {HubError} `IotHubUnauthorizedAccess`
   */
  checkMessages(ref: DeviceRef, messages: readonly Pick<DeviceMessage, 'system'>[]): void {
    if (!messages.every(isSecurityMessage)) this.check(ref, 'telemetry')
  }

  /** Whether all but the least is refused to it; asking is no refusal. */
  isRestricted(ref: DeviceRef): boolean {
    return this.#rules.access !== 'full' && this.isSecurityModule(ref)
  }

  isSecurityModule({ moduleId }: DeviceRef): boolean {
    return moduleId !== undefined && isSecurityModuleId(moduleId, this.#rules.securityModuleId)
  }

  #refused(ref: DeviceRef, use: Use): void {
    this.#count++
    const { clock, log, counters } = this.#ports
    counters?.count(ref.deviceId, 'unauthorizedOperations')
    const nowMs = clock.now()
    if (nowMs - this.#window.startMs >= REFUSAL_LOG_WINDOW_MS) {
      const { unlogged } = this.#window
      if (unlogged > 0) log.warn({ unlogged }, 'security modules were refused more often')
      this.#window = { startMs: nowMs, lines: 0, unlogged: 0 }
    }
    if (this.#window.lines >= MAX_LOGGED_REFUSALS) {
      this.#window.unlogged++
      return
    }
    this.#window.lines++
    const fields = { audit: 'security-module-refused', ref: refKey(ref), use }
    log.warn(fields, 'a security module wanted more than it may')
  }
}

function refusal(use: Use): HubError {
  return new HubError('IotHubUnauthorizedAccess', REFUSALS[use])
}

const REFUSALS: Readonly<Record<Use, string>> = {
  telemetry: 'A security module may send security messages only.',
  'cloud-messages': 'A security module gets no cloud-to-device messages.',
  methods: 'A security module answers no direct methods.',
  inputs: 'A security module has no inputs.',
}
