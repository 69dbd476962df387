import { type ConfigurationKeys, HubError, type JsonObject } from '@twinward/protocol'
import type { Clock } from './clock.ts'
import { type ConfigurationPlan, planPatch } from './configuration/plan.ts'
import type { EventFilter, EventPage, SecurityEventStore } from './data/event-store.ts'
import type {
  AlertFilter,
  FindingStore,
  FindingSummary,
  Page,
  RecommendationFilter,
  StoredRejection,
} from './data/finding-store.ts'
import type { Alert, AlertStatus } from './detection/alert.ts'
import { addNote, assign, changeStatus } from './detection/alerts.ts'
import { FindingEvaluator } from './detection/evaluator.ts'
import { builtInRules } from './detection/rules/index.ts'
import { Pipeline } from './ingestion/pipeline.ts'
import { EventRecorder } from './ingestion/recorder.ts'
import { decodeFromSender } from './ingestion/sender.ts'
import type { Log } from './log.ts'
import { Reconciler } from './modules/reconcile.ts'
import type { TwinPlatform } from './platform.ts'
import { type DevicePosture, PostureKeeper } from './posture/keeper.ts'
import { PostureWriter } from './posture/writer.ts'
import { recommendationRules } from './recommendations/index.ts'
import { exempt, liftExemption, type Recommendation } from './recommendations/recommendation.ts'
import { Serial } from './serial.ts'
import { configurationView, deviceSecurityView } from './view.ts'

/** How often raw events are checked for their age. */
const EXPIRY_INTERVAL_MS = 3_600_000
const DAY_MS = 24 * 3_600_000
/** How often a configuration is planned anew because its twin changed in between. */
const MAX_WRITE_ATTEMPTS = 5

export interface SecurityPorts {
  readonly platform: TwinPlatform
  readonly events: SecurityEventStore
  readonly findings: FindingStore
  readonly clock: Clock
  readonly log: Log
}

export interface SecurityOptions {
  readonly securityModuleId: string
  readonly acceptFromDevices: boolean
  readonly eventRetentionDays: number
  readonly keys?: ConfigurationKeys
}

/** Who asks for a change. */
export interface Caller {
  readonly by: string
  readonly isPrivileged: boolean
}

/** The security service: everything that the API and the console are given. */
export class SecurityService {
  readonly #ports: SecurityPorts
  readonly #options: SecurityOptions
  readonly #recorder: EventRecorder
  readonly #pipeline: Pipeline
  readonly #posture: PostureKeeper
  readonly #reconciler: Reconciler
  readonly #findingChanges = new Serial()
  readonly #stops: (() => void)[] = []

  constructor(ports: SecurityPorts, options: SecurityOptions) {
    this.#ports = ports
    this.#options = options
    const { platform, findings, events, clock, log } = ports
    const { securityModuleId, keys = {} } = options
    this.#recorder = new EventRecorder(events, clock, log)
    this.#posture = new PostureKeeper(
      { ...ports, writer: new PostureWriter(ports) },
      { securityModuleId, keys },
    )
    const rules = { alerts: builtInRules(), recommendations: recommendationRules() }
    const evaluator = new FindingEvaluator({ findings, log }, rules, (deviceId) =>
      this.#posture.touch(deviceId),
    )
    this.#pipeline = new Pipeline(
      {
        platform,
        findings,
        recorder: this.#recorder,
        evaluator: {
          evaluate: (messages, cursor) =>
            this.#findingChanges.run(() => evaluator.evaluate(messages, cursor)),
        },
        decode: (message) => decodeFromSender(message, options),
      },
      clock,
      log,
    )
    this.#reconciler = new Reconciler(ports, { securityModuleId, keys })
  }

  /** Begins to take messages, to repair what is missing and to keep postures. */
  async start(): Promise<void> {
    const { platform, events, clock, log } = this.#ports
    this.#stops.push(
      platform.subscribe((notice) => {
        if (notice.kind === 'device-removed') void this.#forget(notice.deviceId)
        else if ('ref' in notice) this.#posture.touch(notice.ref.deviceId)
      }),
      clock.every(EXPIRY_INTERVAL_MS, () => {
        const beforeMs = clock.now() - this.#options.eventRetentionDays * DAY_MS
        events.expire(beforeMs).catch((error) => {
          log.error({ err: error }, 'old security events could not be removed')
        })
      }),
    )
    await this.#pipeline.start()
    this.#reconciler.start()
    this.#posture.start()
  }

  /** Ends after the step under way; messages that are not processed yet wait in the platform. */
  async close(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop()
    await this.#reconciler.close()
    await this.#pipeline.stop()
    await this.#posture.close()
    await Promise.all([this.#ports.events.close(), this.#ports.findings.close()])
  }

  /** Why the service does not do its work at the moment; `undefined` when all is well. */
  unhealthy(): string | undefined {
    return this.#pipeline.failure
  }

  /** @throws {HubError} `DeviceNotFound` */
  async deviceSecurity(deviceId: string): Promise<object> {
    const tags = await this.#ports.platform.deviceTags(deviceId)
    if (tags === undefined) throw new HubError('DeviceNotFound', deviceId)
    return deviceSecurityView(deviceId, tags, await this.#posture.compute(deviceId))
  }

  /** @throws {HubError} `DeviceNotFound`; `ModuleNotFound` when it has no security module */
  async configuration(deviceId: string): Promise<object> {
    return configurationView(await this.#requirePosture(deviceId))
  }

  /**
   * Writes settings into the desired properties of the security module twin, in its era's shape.
   *
   * @param settings  by name; `null` goes back to the default
   * @returns the configuration after the change, with warnings; already durable
   * @throws {HubError} `ArgumentInvalid` that lists every mistake; `GenericForbidden` for privileged
   *   settings without the right
   */
  async changeConfiguration(
    deviceId: string,
    settings: JsonObject,
    { by, isPrivileged }: Caller,
  ): Promise<object> {
    const plan = await this.#writeConfiguration(deviceId, settings, isPrivileged)
    const { privileged, warnings } = plan
    const fields = { deviceId, by, names: Object.keys(settings), privileged }
    this.#ports.log.info(fields, 'security configuration changed')
    return { ...configurationView(await this.#requirePosture(deviceId)), warnings }
  }

  async #writeConfiguration(
    deviceId: string,
    settings: JsonObject,
    isPrivileged: boolean,
  ): Promise<ConfigurationPlan> {
    for (let attempt = 1; ; attempt++) {
      const { module } = await this.#requirePosture(deviceId)
      const plan = planPatch(module, settings, this.#options.keys ?? {})
      if (plan.privileged.length > 0 && !isPrivileged) {
        throw new HubError(
          'GenericForbidden',
          `${plan.privileged.join(', ')}: this policy may not change what lets an agent run code.`,
        )
      }
      try {
        // The plan holds the complete object, so nothing may have changed since it was read.
        await this.#ports.platform.patchTwin(module.ref, { desired: plan.desired }, module.etag)
        return plan
      } catch (error) {
        // Postures are written into the tags of the same twin, so losing the race is ordinary.
        const isLost = error instanceof HubError && error.code === 'PreconditionFailed'
        if (!isLost || attempt === MAX_WRITE_ATTEMPTS) throw error
      }
    }
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
  async changeAlert(
    id: string,
    change: { status?: AlertStatus; assignee?: string; note?: string },
    by: string,
  ): Promise<Alert> {
    // The evaluator changes alerts too; one after the other, nothing is lost.
    return this.#findingChanges.run(() => this.#changeAlert(id, change, by))
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
    this.#posture.touch(alert.deviceId)
    return alert
  }

  recommendations(filter: RecommendationFilter): Promise<Page<Recommendation>> {
    return this.#ports.findings.listRecommendations(filter)
  }

  /** @throws {HubError} `GenericNotFound` */
  async changeRecommendation(
    id: string,
    change: { state: 'Exempt' | 'Active'; reason: string },
    by: string,
  ): Promise<Recommendation> {
    return this.#findingChanges.run(() => this.#changeRecommendation(id, change, by))
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
    this.#posture.touch(changed.deviceId)
    return changed
  }

  /** Raw events, those that arrived a moment ago included. */
  async events(filter: EventFilter): Promise<EventPage> {
    await this.#recorder.flush()
    return this.#ports.events.query(filter)
  }

  rejected(filter: {
    deviceId?: string
    limit: number
    continuationToken?: string
  }): Promise<Page<StoredRejection>> {
    return this.#ports.findings.listRejections(filter)
  }

  analytics(): Promise<FindingSummary> {
    return this.#ports.findings.summary()
  }

  async #requirePosture(deviceId: string): Promise<DevicePosture> {
    const posture = await this.#posture.compute(deviceId)
    if (posture) return posture
    const tags = await this.#ports.platform.deviceTags(deviceId)
    if (tags === undefined) throw new HubError('DeviceNotFound', deviceId)
    throw new HubError('ModuleNotFound', `Device ${deviceId} has no security module.`)
  }

  async #forget(deviceId: string): Promise<void> {
    try {
      await this.#ports.findings.removeDevice(deviceId)
    } catch (error) {
      this.#ports.log.error({ err: error, deviceId }, 'findings of a removed device remain')
    }
  }
}
