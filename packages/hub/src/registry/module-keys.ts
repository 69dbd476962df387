import { HubError, isSecurityModuleId, refKey } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Authenticator } from './authenticator.ts'
import type { Proof } from './client-certificate.ts'
import type { Identities } from './identities.ts'
import { unauthorized } from './refusals.ts'
import type { Entry } from './registry.ts'

/** Reads that one device may make in a window: an agent makes one when it starts. */
export const MAX_READS = 10
export const READ_WINDOW_MS = 60_000
/** Devices whose reads are counted; beyond it the one counted for the longest time is forgotten. */
const MAX_WINDOWS = 100_000

interface ModuleKeyParts {
  readonly identities: Identities
  readonly authenticator: Authenticator
  readonly clock: Clock
  readonly log: Log
}

export interface ModuleKeyRules {
  /** Off, no device reads any key. */
  readonly isEnabled: boolean
  /** The id of the security modules that this hub makes, beside the well-known ones. */
  readonly securityModuleId: string
}

/**
 * What IoT Hub grants nobody but the agents of its security service (13, quirk 2): a device reads the
 * identity of its own security module, key included, with its own credential. Each read is logged.
 */
export class ModuleKeys {
  readonly #parts: ModuleKeyParts
  readonly #rules: ModuleKeyRules
  readonly #windows = new Map<string, { readonly startMs: number; reads: number }>()
  #count = 0

  constructor(parts: ModuleKeyParts, rules: ModuleKeyRules) {
    this.#parts = parts
    this.#rules = rules
  }

  /** Keys that were read since the start. */
  get count(): number {
    return this.#count
  }

  /**
   * @param proof  of the device, not the module
   * @throws {HubError} `IotHubUnauthorized`, `IotHubUnauthorizedAccess`; `ModuleNotFound`;
   *   `ThrottlingException` above `MAX_READS` in `READ_WINDOW_MS`
   */
  async read(
    ref: { readonly deviceId: string; readonly moduleId: string },
    proof: Proof,
  ): Promise<Entry> {
    const { identities, authenticator, log } = this.#parts
    const { isEnabled, securityModuleId } = this.#rules
    if (!isEnabled) throw unauthorized('devices may not read the keys of their modules')
    await authenticator.owner(ref.deviceId, proof)
    if (!isSecurityModuleId(ref.moduleId, securityModuleId)) {
      throw unauthorized('the module is not a security module')
    }
    this.#countRead(ref.deviceId)
    const entry = await identities.get(ref)
    this.#count++
    const by = proof.token === '' ? 'x509' : 'sas'
    log.info({ audit: 'module-key-read', ref: refKey(ref), by }, 'a device read its module’s key')
    return entry
  }

  #countRead(deviceId: string): void {
    const nowMs = this.#parts.clock.now()
    const window = this.#windows.get(deviceId)
    if (window && nowMs - window.startMs < READ_WINDOW_MS) {
      if (window.reads >= MAX_READS) {
        throw new HubError(
          'ThrottlingException',
          `A device may read the keys of its modules ${MAX_READS} times a minute.`,
        )
      }
      window.reads++
      return
    }
    this.#windows.delete(deviceId)
    this.#windows.set(deviceId, { startMs: nowMs, reads: 1 })
    if (this.#windows.size <= MAX_WINDOWS) return
    const [oldest] = this.#windows.keys()
    if (oldest !== undefined) this.#windows.delete(oldest)
  }
}
