import type { Activity } from '@twinward/hub'
import type { HubActivity, HubEvent, UsePage, UsePlace } from '@twinward/security'

/** What the hub of this process tells the security service of its use. */
export class EmbeddedActivity implements HubActivity {
  readonly #activity: Activity

  constructor(activity: Activity) {
    this.#activity = activity
  }

  readEvents(after: number, limit: number): Promise<readonly HubEvent[]> {
    return this.#activity.audit.read(after, limit)
  }

  async readUse(place: UsePlace, limit: number): Promise<UsePage | undefined> {
    return this.#activity.counters.read(place, limit)
  }

  async releaseUse(beforeMs: number): Promise<void> {
    this.#activity.counters.release(beforeMs)
  }

  async connectedSince(timeMs: number): Promise<readonly string[]> {
    return this.#activity.connected.since(timeMs)
  }
}
