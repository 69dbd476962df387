import type { ConfigurationKeys } from '@twinward/protocol'
import type { CustomCheckStore } from './baseline/custom/custom-check-store.ts'
import type { Clock } from './clock.ts'
import type { ConfigurationStore } from './configuration/configuration-store.ts'
import type { SecurityEventStore } from './data/event-store.ts'
import type { FindingStore } from './data/finding-store.ts'
import type { IndicatorStore } from './detection/indicators/indicator-store.ts'
import type { RuleSettingStore } from './detection/rule-settings.ts'
import type { SigmaStore } from './detection/sigma/sigma-store.ts'
import type { SuppressionStore } from './detection/suppressions/suppression-store.ts'
import type { GroupStore } from './groups/group-store.ts'
import type { EventSchemaStore } from './ingestion/event-schemas.ts'
import type { IngestionStore } from './ingestion/ingestion-store.ts'
import type { IntakeLimits } from './ingestion/quota.ts'
import type { Log } from './log.ts'
import type { ModuleStore } from './modules/module-store.ts'
import type { ModulePolicy } from './modules/policy.ts'
import type { NotificationStore } from './notifications/notification-store.ts'
import type { OpenTransport } from './notifications/transport.ts'
import type { TwinPlatform } from './platform.ts'
import type { PostureHistoryStore } from './posture/history-store.ts'
import type { RecommendationStores } from './recommendations/recommendation-service.ts'

/** What the security service works with. */
export interface SecurityPorts extends RecommendationStores {
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
  /** These three also share the file of `findings`. */
  readonly indicators: IndicatorStore
  readonly ruleSettings: RuleSettingStore
  readonly sigma: SigmaStore
  readonly suppressions: SuppressionStore
  /** Of security groups; shares that file too. */
  readonly groups: GroupStore
  /** Shares the file of `findings` too. */
  readonly postureHistory: PostureHistoryStore
  readonly customChecks: CustomCheckStore
  /** Shares that file as well. */
  readonly notifications: NotificationStore
  readonly openTransport: OpenTransport
  readonly clock: Clock
  readonly log: Log
}

/** How it works. */
export interface SecurityOptions {
  readonly securityModuleId: string
  readonly acceptFromDevices: boolean
  readonly eventRetentionDays: number
  /** Of closed alerts, after they ended. Default `DEFAULT_ALERT_RETENTION_DAYS`. */
  readonly alertRetentionDays?: number
  readonly keys?: ConfigurationKeys
  /** Which devices get a security module by themselves. Default `automatic`. */
  readonly policy?: ModulePolicy
  /** Default `SILENCE_LIMIT_MS`. */
  readonly silentAfterMs?: number
  /** Default `DEFAULT_INTAKE_LIMITS`. */
  readonly intakeLimits?: IntakeLimits
  /** Is told of every new and changed finding. */
  readonly webhook?: { readonly url: string; readonly secret?: string; readonly ca?: string }
  /** How long a device may be without a security agent. Default `DEFAULT_AGENT_GRACE_MS`. */
  readonly agentGraceMs?: number
}
