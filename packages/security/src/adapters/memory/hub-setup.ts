import type { DeviceRef } from '@twinward/protocol'
import type {
  HubSettings,
  HubSetup,
  HubSetupNotice,
  WeakConnection,
  WeakTls,
} from '../../recommendations/hub/hub-setup.ts'

/** A hub for unit tests that listens on its own machine only, until told otherwise. */
export class MemoryHubSetup implements HubSetup {
  readonly #listeners = new Set<(notice: HubSetupNotice) => void>()
  #connections: readonly WeakConnection[] = []
  #settings: HubSettings = {
    ...{ isLocalOnly: true, ipRules: [], observedAddresses: [] },
    storedEvents: { lifecycle: false, connections: false },
  }

  async settings(): Promise<HubSettings> {
    return this.#settings
  }

  async weakConnections(): Promise<readonly WeakConnection[]> {
    return this.#connections
  }

  subscribe(listener: (notice: HubSetupNotice) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What an operator does. */
  change(settings: Partial<HubSettings>): void {
    this.#settings = { ...this.#settings, ...settings }
    this.#tell({ kind: 'settings-changed' })
  }

  /** What the hub has seen, of which it does not tell. */
  observe(...observedAddresses: readonly string[]): void {
    this.#settings = { ...this.#settings, observedAddresses }
  }

  /** Who is connected weakly from now on, without a notice. */
  setWeakConnections(connections: readonly WeakConnection[]): void {
    this.#connections = connections
  }

  /** What a device does. */
  connect(ref: DeviceRef, weakTls?: WeakTls): void {
    this.#tell({ kind: 'session-opened', ref, ...(weakTls && { weakTls }) })
  }

  #tell(notice: HubSetupNotice): void {
    for (const listener of this.#listeners) listener(notice)
  }
}
