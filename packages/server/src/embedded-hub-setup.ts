import type { Hub } from '@twinward/hub'
import type { HubSettings, HubSetup, HubSetupNotice, WeakConnection } from '@twinward/security'

/** What the hub of this process tells the security service of its settings and connections. */
export class EmbeddedHubSetup implements HubSetup {
  readonly #hub: Hub
  readonly #isLocalOnly: boolean

  constructor(hub: Hub, { listen }: { readonly listen: string }) {
    this.#hub = hub
    this.#isLocalOnly = isLoopback(listen)
  }

  async settings(): Promise<HubSettings> {
    const { ipFilter, observedAddresses, routing } = this.#hub
    return {
      isLocalOnly: this.#isLocalOnly,
      ipRules: ipFilter.rules,
      observedAddresses: observedAddresses.list(),
      storedEvents: {
        lifecycle: routing.router.wants('deviceLifecycleEvents'),
        connections: routing.router.wants('deviceConnectionStateEvents'),
      },
    }
  }

  async weakConnections(): Promise<readonly WeakConnection[]> {
    return this.#hub.sessions.weakest()
  }

  subscribe(listener: (notice: HubSetupNotice) => void): () => void {
    return this.#hub.bus.subscribe((notice) => {
      if (notice.kind === 'session-opened') listener(notice)
      else if (notice.kind === 'setup-changed') listener({ kind: 'settings-changed' })
    })
  }
}

/** @param listen  as listeners take it: an address or a name */
export function isLoopback(listen: string): boolean {
  return /^127\.\d+\.\d+\.\d+$/.test(listen) || listen === '::1' || listen === 'localhost'
}
