import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type {
  AlertFilter,
  FindingStore,
  FindingSummary,
  Page,
  RecommendationFilter,
} from '../data/finding-store.ts'
import type { Alert, AlertStatus } from '../detection/alert.ts'
import { addNote, assign, changeStatus } from '../detection/alerts.ts'
import type { Log } from '../log.ts'
import { exempt, liftExemption, type Recommendation } from '../recommendations/recommendation.ts'
import type { Serial } from '../serial.ts'

interface Ports {
  readonly findings: FindingStore
  readonly clock: Clock
  readonly log: Log
}

/** Alerts and recommendations, as people look at them and change them. */
export class Findings {
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
  changeAlert(
    id: string,
    change: { status?: AlertStatus; assignee?: string; note?: string },
    by: string,
  ): Promise<Alert> {
    return this.#changes.run(() => this.#changeAlert(id, change, by))
  }

  async #changeAlert(
    id: string,
    { status, assignee, note }: { status?: AlertStatus; assignee?: string; note?: string },
    by: string,
  ): Promise<Alert> {
    const timeMs = this.#ports.clock.now()
    let alert = await this.alert(id)
    if (status !== undefined) alert = changeStatus(alert, { status, timeMs, by, note: note ?? '' })
    if (assignee !== undefined) alert = assign(alert, assignee)
    if (note !== undefined && status === undefined)
      alert = addNote(alert, { timeMs, by, text: note })
    await this.#ports.findings.commit({ alerts: [alert] })
    this.#touch(alert.deviceId)
    return alert
  }

  recommendations(filter: RecommendationFilter): Promise<Page<Recommendation>> {
    return this.#ports.findings.listRecommendations(filter)
  }

  /** @throws {HubError} `GenericNotFound` */
  changeRecommendation(
    id: string,
    change: { state: 'Exempt' | 'Active'; reason: string },
    by: string,
  ): Promise<Recommendation> {
    return this.#changes.run(() => this.#changeRecommendation(id, change, by))
  }

  async #changeRecommendation(
    id: string,
    change: { state: 'Exempt' | 'Active'; reason: string },
    by: string,
  ): Promise<Recommendation> {
    const found = await this.#ports.findings.findRecommendation(id)
    if (!found) {
      throw new HubError('GenericNotFound', `There is no recommendation ${id.slice(0, 256)}.`)
    }
    const nowMs = this.#ports.clock.now()
    const changed =
      change.state === 'Exempt' ? exempt(found, change, nowMs) : liftExemption(found, nowMs)
    await this.#ports.findings.commit({ recommendations: [changed] })
    this.#ports.log.info({ id, state: change.state, by }, 'recommendation changed')
    this.#touch(changed.deviceId)
    return changed
  }

  analytics(): Promise<FindingSummary> {
    return this.#ports.findings.summary()
  }
}
