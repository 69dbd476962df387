import { type ConfigurationKeys, HubError } from '@twinward/protocol'
import type { Clock } from './clock.ts'
import type { ConfigurationStore } from './configuration/configuration-store.ts'
import { Configurations } from './configuration/configurations.ts'
import type { EventFilter, EventPage, SecurityEventStore } from './data/event-store.ts'
import type { FindingStore, Page, StoredRejection } from './data/finding-store.ts'
import { Detection } from './detection/detection.ts'
import { FindingEvaluator } from './detection/evaluator.ts'
import type { IndicatorStore } from './detection/indicators/indicator-store.ts'
import type { RuleSettingStore } from './detection/rule-settings.ts'
import { Findings } from './findings/findings.ts'
import { NO_GROUPS } from './groups/group-lookup.ts'
import type { EventSchemaStore } from './ingestion/event-schemas.ts'
import { DEFAULT_INTAKE_LIMITS, Ingestion } from './ingestion/ingestion.ts'
import type { IngestionStore } from './ingestion/ingestion-store.ts'
import { Pipeline } from './ingestion/pipeline.ts'
import type { IntakeLimits } from './ingestion/quota.ts'
import { EventRecorder } from './ingestion/recorder.ts'
import { decodeFromSender } from './ingestion/sender.ts'
import type { Log } from './log.ts'
import { ModuleLifecycle } from './modules/lifecycle.ts'
import type { ModuleStore } from './modules/module-store.ts'
import { followNotices } from './modules/notices.ts'
import type { ModulePolicy } from './modules/policy.ts'
import { ModuleProvider } from './modules/provider.ts'
import { type FinishedPass, Reconciler } from './modules/reconcile.ts'
import { ModuleRecords } from './modules/records.ts'
import { Suspensions } from './modules/suspensions.ts'
import type { TwinPlatform } from './platform.ts'
import { type DevicePosture, PostureKeeper } from './posture/keeper.ts'
import { PostureWriter } from './posture/writer.ts'
import { recommendationRules } from './recommendations/index.ts'
import { Serial } from './serial.ts'
import { deviceSecurityView } from './view.ts'

/** How often raw events are checked for their age. */
const EXPIRY_INTERVAL_MS = 3_600_000
const DAY_MS = 24 * 3_600_000

export interface SecurityPorts {
  readonly platform: TwinPlatform
  readonly events: SecurityEventStore
  readonly findings: FindingStore
  /** Closed by whoever closes `findings`, with which it shares its file. */
  readonly modules: ModuleStore
  /** These two also share the file of `findings`. */
  readonly ingestion: IngestionStore
  readonly eventSchemas: EventSchemaStore
  /** Closed as `modules`. */
  readonly configurations: ConfigurationStore
  /** These two also share the file of `findings`. */
  readonly indicators: IndicatorStore
  readonly ruleSettings: RuleSettingStore
  readonly clock: Clock
  readonly log: Log
}

export interface SecurityOptions {
  readonly securityModuleId: string
  readonly acceptFromDevices: boolean
  readonly eventRetentionDays: number
  readonly keys?: ConfigurationKeys
  /** Which devices get a security module by themselves. Default `automatic`. */
  readonly policy?: ModulePolicy
  /** Default `SILENCE_LIMIT_MS`. */
  readonly silentAfterMs?: number
  /** Default `DEFAULT_INTAKE_LIMITS`. */
  readonly intakeLimits?: IntakeLimits
}

/** The security service: everything that the API and the console are given. */
export class SecurityService {
  readonly #ports: SecurityPorts
  readonly #options: SecurityOptions
  readonly configurations: Configurations
  readonly findings: Findings
  readonly modules: ModuleLifecycle
  readonly ingestion: Ingestion
  readonly detection: Detection
  readonly #records: ModuleRecords
  readonly #recorder: EventRecorder
  readonly #pipeline: Pipeline
  readonly #posture: PostureKeeper
  readonly #reconciler: Reconciler
  readonly #stops: (() => void)[] = []

  constructor(ports: SecurityPorts, options: SecurityOptions) {
    this.#ports = ports
    this.#options = options
    const { platform, findings, events, clock, log } = ports
    const { securityModuleId, keys = {} } = options
    this.#recorder = new EventRecorder(events, clock, log)
    this.ingestion = new Ingestion(ports, options.intakeLimits ?? DEFAULT_INTAKE_LIMITS)
    const { admission, schemas } = this.ingestion
    const naming = { securityModuleId, keys }
    const records = new ModuleRecords(ports, keys)
    const suspensions = new Suspensions({ ...ports, records }, naming)
    this.#records = records
    this.#posture = new PostureKeeper(
      { ...ports, writer: new PostureWriter(ports), records, suspensions },
      {
        ...naming,
        ...(options.silentAfterMs !== undefined && { silentAfterMs: options.silentAfterMs }),
      },
    )
    const provider = new ModuleProvider({ ...ports, records }, securityModuleId, { keys })
    const look = (deviceId: string) => this.#posture.look(deviceId)
    this.modules = new ModuleLifecycle(
      { ...ports, records, provider, suspensions, look },
      securityModuleId,
      keys,
    )
    this.configurations = new Configurations(ports, naming, (id) => this.#requirePosture(id))
    const changes = new Serial()
    const touch = (deviceId: string) => this.#posture.touch(deviceId)
    this.findings = new Findings(ports, changes, touch)
    const { silentAfterMs } = options
    const silence = silentAfterMs === undefined ? {} : { silentAfterMs }
    this.detection = new Detection(ports, { ...silence, changes, touched: touch })
    const rules = {
      ...silence,
      alerts: this.detection.rules,
      filter: this.detection.settings.filter,
      groups: NO_GROUPS,
      recommendations: recommendationRules(),
    }
    const evaluator = new FindingEvaluator({ findings, log }, rules, touch)
    this.#pipeline = new Pipeline(
      {
        platform,
        findings,
        admission,
        recorder: this.#recorder,
        evaluator: {
          evaluate: (messages, cursor) => changes.run(() => evaluator.evaluate(messages, cursor)),
        },
        decode: (message) => decodeFromSender(message, options, schemas),
      },
      clock,
      log,
    )
    this.#reconciler = new Reconciler(
      { ...ports, records, postures: this.#posture },
      { ...naming, policy: options.policy ?? 'automatic' },
    )
  }

  /** Begins to take messages, to repair what is missing and to keep postures. */
  async start(): Promise<void> {
    const { platform, events, clock, log } = this.#ports
    this.#stops.push(
      followNotices({ ...this.#ports, records: this.#records, postures: this.#posture }),
      platform.subscribe((notice) => {
        if (notice.kind === 'device-removed') void this.#forget(notice.deviceId)
      }),
      clock.every(EXPIRY_INTERVAL_MS, () => {
        const beforeMs = clock.now() - this.#options.eventRetentionDays * DAY_MS
        events.expire(beforeMs).catch((error) => {
          log.error({ err: error }, 'old security events could not be removed')
        })
      }),
    )
    await this.ingestion.start()
    await this.detection.start()
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
    await this.detection.close()
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
    const seen = { deviceId, tags, posture, configuration, record, keys }
    return deviceSecurityView(seen, this.#ports.clock.now())
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
      await this.ingestion.admission.remove(deviceId)
    } catch (error) {
      this.#ports.log.error({ err: error, deviceId }, 'findings of a removed device remain')
    }
  }
}
