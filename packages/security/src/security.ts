import { HubError } from '@twinward/protocol'
import { ActivityWatch } from './activity/activity-watch.ts'
import { assembleMessages } from './assembly/messages.ts'
import { assembleModules } from './assembly/modules.ts'
import { startUpkeep } from './assembly/upkeep.ts'
import type { DeviceBaseline } from './baseline/baseline.ts'
import { Baselines } from './baseline/baselines.ts'
import { CustomCheckSets } from './baseline/custom/custom-check-sets.ts'
import { disabledChecks } from './baseline/disabled-checks.ts'
import { Configurations } from './configuration/configurations.ts'
import type { EventFilter, EventPage } from './data/event-store.ts'
import type { Page, StoredRejection } from './data/finding-store.ts'
import type { HeldBack } from './data/noise.ts'
import { Detection } from './detection/detection.ts'
import { Explanations } from './detection/explain/explain.ts'
import { FindingFeed } from './findings/finding-feed.ts'
import { Findings } from './findings/findings.ts'
import { retireFindings } from './findings/removed-device.ts'
import { SecurityGroups } from './groups/security-groups.ts'
import { DEFAULT_INTAKE_LIMITS, Ingestion } from './ingestion/ingestion.ts'
import type { Pipeline } from './ingestion/pipeline.ts'
import { EventRecorder } from './ingestion/recorder.ts'
import type { ModuleLifecycle } from './modules/lifecycle.ts'
import { followNotices } from './modules/notices.ts'
import type { FinishedPass, Reconciler } from './modules/reconcile.ts'
import type { ModuleRecords } from './modules/records.ts'
import type { Reporting } from './notifications/reporting.ts'
import { type Analytics, readAnalytics } from './posture/analytics.ts'
import { explainScore, type ScoreExplanation } from './posture/explain.ts'
import type { DevicePosture, PostureKeeper } from './posture/keeper.ts'
import { Scores } from './posture/scores.ts'
import { HUB } from './recommendations/recommendation.ts'
import { RecommendationService } from './recommendations/recommendation-service.ts'
import type { Recommendations } from './recommendations/recommendations.ts'
import type { Vulnerabilities } from './recommendations/vulnerabilities/vulnerabilities.ts'
import type { SecurityOptions, SecurityPorts } from './security-ports.ts'
import { Serial } from './serial.ts'
import { deviceSecurityView } from './view.ts'

/** The security service: everything that the API and the console are given. */
export class SecurityService {
  readonly #ports: SecurityPorts
  readonly #options: SecurityOptions
  readonly configurations: Configurations
  readonly findings: Findings
  readonly modules: ModuleLifecycle
  readonly ingestion: Ingestion
  readonly detection: Detection
  readonly explanations: Explanations
  readonly groups: SecurityGroups
  readonly recommendations: Recommendations
  readonly vulnerabilities: Vulnerabilities
  readonly #advice: RecommendationService
  readonly baselines: Baselines
  readonly scores: Scores
  readonly customChecks: CustomCheckSets
  readonly reporting: Reporting
  readonly #records: ModuleRecords
  readonly #activity: ActivityWatch
  readonly #recorder: EventRecorder
  readonly #pipeline: Pipeline
  readonly #posture: PostureKeeper
  readonly #feed: FindingFeed
  readonly #reconciler: Reconciler
  /** Changes of findings, one after the other. */
  readonly #changes = new Serial()
  readonly #stops: (() => void)[] = []

  constructor(ports: SecurityPorts, options: SecurityOptions) {
    this.#ports = ports
    this.#options = options
    const { findings, events, clock, log } = ports
    const { securityModuleId, keys = {} } = options
    this.#recorder = new EventRecorder(events, clock, log)
    this.ingestion = new Ingestion(ports, options.intakeLimits ?? DEFAULT_INTAKE_LIMITS)
    const query = (filter: EventFilter) => this.events(filter)
    this.groups = new SecurityGroups({ ...ports, query }, securityModuleId)
    const { groups } = this
    const { posture, records, look, lifecycle, reconciler } = assembleModules(ports, options, {
      groups,
      seen: (device) => this.#advice.see(device),
      noted: (deviceId, seen) => this.#note(deviceId, seen),
      departed: (deviceId) => this.#forget(deviceId),
    })
    this.#posture = posture
    this.#records = records
    this.modules = lifecycle
    this.#reconciler = reconciler
    const naming = { securityModuleId, keys }
    this.configurations = new Configurations(ports, naming, (id) => this.#requirePosture(id))
    const changes = this.#changes
    const feed = new FindingFeed(findings)
    this.#feed = feed
    const touch = (deviceId: string) => {
      // The hub itself has no posture.
      if (deviceId !== HUB) this.#posture.touch(deviceId)
      feed.wake()
    }
    this.findings = new Findings(ports, changes, touch)
    this.baselines = new Baselines(findings, changes)
    this.customChecks = new CustomCheckSets(ports.customChecks, clock)
    this.scores = new Scores({ ...ports, history: ports.postureHistory })
    const { silentAfterMs } = options
    const silence = silentAfterMs === undefined ? {} : { silentAfterMs }
    this.detection = new Detection({ ...ports, groups }, { ...silence, changes, touched: touch })
    const { judge } = this.detection
    this.#activity = new ActivityWatch(ports, { judge, groups, changes, touched: touch })
    const { agentGraceMs } = options
    this.#advice = new RecommendationService(
      { ...ports, groups },
      { keys, changes, touched: touch, look, ...(agentGraceMs !== undefined && { agentGraceMs }) },
    )
    this.recommendations = this.#advice.list
    this.vulnerabilities = this.#advice.vulnerabilities
    const { rules: alertRules } = this.detection
    this.explanations = new Explanations(
      { ...ports, groups, query },
      {
        ...{ rules: alertRules, judge },
        ...{ sets: [this.detection.sigma.ruleSet], loaded: this.detection.sigma },
      },
    )
    const { ingestion, detection } = this
    const { reporting, pipeline } = assembleMessages(ports, options, {
      ...{ ingestion, detection, groups, findings: this.findings, feed, changes, touch },
      ...{ recorder: this.#recorder, activity: this.#activity, advice: this.#advice },
    })
    this.reporting = reporting
    this.#pipeline = pipeline
  }

  /** Begins to take messages, to repair what is missing and to keep postures. */
  async start(): Promise<void> {
    // Before anybody else hears that a tag changed, what was known of the device's group goes.
    await this.groups.start()
    this.#stops.push(
      () => this.groups.close(),
      followNotices({ ...this.#ports, records: this.#records, postures: this.#posture }),
      startUpkeep(this.#ports, this.#options, this.#changes),
    )
    await this.ingestion.start()
    await this.detection.start()
    await this.#activity.load()
    this.#activity.start()
    await this.#advice.start()
    await this.reporting.start()
    await this.#pipeline.start()
    this.#reconciler.start()
    this.#posture.start()
    this.configurations.start()
  }

  /** Ends after the step under way; messages that are not processed yet wait in the platform. */
  async close(): Promise<void> {
    for (const stop of this.#stops.splice(0)) stop()
    await this.configurations.close()
    await this.#reconciler.close()
    await this.#pipeline.stop()
    await this.reporting.close()
    await this.#activity.close()
    await this.detection.close()
    await this.#advice.close()
    this.ingestion.close()
    await this.#posture.close()
    await Promise.all([this.#ports.events.close(), this.#ports.findings.close()])
  }

  /** Why the service does not do its work at the moment; `undefined` when all is well. */
  unhealthy(): string | undefined {
    return this.#pipeline.failure
  }

  /** The last look at every device for its security module; `undefined` before the first ended. */
  lastPass(): FinishedPass | undefined {
    return this.#reconciler.lastPass
  }

  /** @throws {HubError} `DeviceNotFound` */
  async deviceSecurity(deviceId: string): Promise<object> {
    const tags = await this.#ports.platform.deviceTags(deviceId)
    if (tags === undefined) throw new HubError('DeviceNotFound', deviceId)
    const [posture, record] = await Promise.all([
      this.#posture.compute(deviceId),
      this.modules.record(deviceId),
    ])
    const configuration = posture && (await this.configurations.describe(posture))
    const { keys = {} } = this.#options
    const isGroup = (name: string) => this.groups.find(name) !== undefined
    const seen = { deviceId, tags, posture, configuration, record, keys, isGroup }
    return deviceSecurityView(seen, this.#ports.clock.now())
  }

  /** Raw events, those that arrived a moment ago included. */
  async events(filter: EventFilter): Promise<EventPage> {
    await this.#recorder.flush()
    return this.#ports.events.query(filter)
  }

  /** Findings that raised no open alert, by reason, alert type and suppression. */
  heldBack(): Promise<readonly HeldBack[]> {
    return this.#ports.findings.noise.heldBack()
  }

  rejected(filter: {
    deviceId?: string
    limit: number
    continuationToken?: string
  }): Promise<Page<StoredRejection>> {
    return this.#ports.findings.listRejections(filter)
  }

  /** Every number about the fleet that is kept. */
  analytics(): Promise<Analytics> {
    return readAnalytics(this.#ports.findings, this.scores)
  }

  /** Why the score of a device is what it is. @throws as `deviceSecurity`; `ModuleNotFound` */
  async explainScore(deviceId: string): Promise<ScoreExplanation> {
    const [posture, baselines] = await Promise.all([
      this.#requirePosture(deviceId),
      this.baselines.ofDevice(deviceId),
    ])
    const { state } = posture.description
    return explainScore({ ...posture, state, baselines }, this.#ports.clock.now())
  }

  /** @throws {HubError} `DeviceNotFound` */
  async deviceBaselines(deviceId: string): Promise<readonly DeviceBaseline[]> {
    const baselines = await this.baselines.ofDevice(deviceId)
    if (baselines.length > 0) return baselines
    const tags = await this.#ports.platform.deviceTags(deviceId)
    if (tags === undefined) throw new HubError('DeviceNotFound', deviceId)
    return baselines
  }

  /** What a look at a device means for the fleet. */
  async #note(deviceId: string, posture: DevicePosture | undefined): Promise<void> {
    await this.scores.note(deviceId, posture)
    if (posture === undefined) return
    const disabled = disabledChecks(posture.description.configuration.effective)
    // What is switched off leaves the score, so the device is looked at once more.
    if (await this.baselines.follow(deviceId, disabled)) this.#posture.touch(deviceId)
  }

  async #requirePosture(deviceId: string): Promise<DevicePosture> {
    const posture = await this.#posture.compute(deviceId)
    if (posture) return posture
    const tags = await this.#ports.platform.deviceTags(deviceId)
    if (tags === undefined) throw new HubError('DeviceNotFound', deviceId)
    throw new HubError('ModuleNotFound', `Device ${deviceId} has no security module.`)
  }

  /** The device is gone: what was open of it is closed and kept for a while, the rest is forgotten. */
  async #forget(deviceId: string): Promise<void> {
    const isNews = await this.#changes.run(() => retireFindings(this.#ports, deviceId))
    await this.scores.forget(deviceId)
    await this.ingestion.admission.remove(deviceId)
    await this.#advice.removeDevice(deviceId)
    if (isNews) this.#feed.wake()
  }
}
