import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { AlertFilter, FindingStore, Page } from '../data/finding-store.ts'
import type { Alert } from '../detection/alert.ts'
import type { Log } from '../log.ts'
import type { Serial } from '../serial.ts'
import { AggregatedAlerts } from './aggregated.ts'
import { type AlertChange, applyChange } from './alert-change.ts'
import { BulkChanges } from './bulk.ts'

interface Ports {
  readonly findings: FindingStore
  readonly clock: Clock
  readonly log: Log
}

/** Alerts, as people look at them and change them. */
export class Findings {
  /** Changes of many alerts at once. */
  readonly bulk: BulkChanges
  /** Alerts by type and day. */
  readonly aggregated: AggregatedAlerts
  readonly #ports: Ports
  readonly #changes: Serial
  readonly #touch: (deviceId: string) => void

  /**
   * @param changes  the evaluator changes findings too; one after the other, nothing is lost
   * @param touch  told of every device whose findings changed
   */
  constructor(ports: Ports, changes: Serial, touch: (deviceId: string) => void) {
    this.#ports = ports
    this.#changes = changes
    this.#touch = touch
    this.bulk = new BulkChanges(ports, changes, touch)
    this.aggregated = new AggregatedAlerts({ ...ports, bulk: this.bulk })
  }

  alerts(filter: AlertFilter): Promise<Page<Alert>> {
    return this.#ports.findings.listAlerts(filter)
  }

  /** @throws {HubError} `GenericNotFound` */
  async alert(id: string): Promise<Alert> {
    const alert = await this.#ports.findings.findAlert(id)
    if (!alert) throw new HubError('GenericNotFound', `There is no alert ${id.slice(0, 128)}.`)
    return alert
  }

  /** @throws {HubError} `GenericNotFound`; `ArgumentInvalid` for a transition that is not allowed */
  changeAlert(id: string, change: AlertChange, by: string): Promise<Alert> {
    return this.#changes.run(() => this.#changeAlert(id, change, by))
  }

  async #changeAlert(id: string, change: AlertChange, by: string): Promise<Alert> {
    const timeMs = this.#ports.clock.now()
    const alert = applyChange(await this.alert(id), change, { timeMs, by })
    await this.#ports.findings.commit({ alerts: [alert] })
    this.#touch(alert.deviceId)
    return alert
  }
}
