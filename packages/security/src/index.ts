export type { HubActivity, HubEvent, UsePage, UsePlace } from './activity/hub-activity.ts'
export { AttachedPlatform } from './adapters/attached/attached-platform.ts'
export { parseHubAddress } from './adapters/attached/hub-address.ts'
export { Inbox } from './adapters/attached/inbox.ts'
export { DuckDbEventStore } from './adapters/duckdb/event-store.ts'
export { transportsOf } from './adapters/notify/open-transport.ts'
export { SqliteConfigurationStore } from './adapters/sqlite/configuration-store.ts'
export { SqliteCredentialStore } from './adapters/sqlite/credential-store.ts'
export { SqliteCustomCheckStore } from './adapters/sqlite/custom-check-store.ts'
export { SqliteEventSchemaStore } from './adapters/sqlite/event-schema-store.ts'
export { SqliteFindingStore } from './adapters/sqlite/finding-store.ts'
export { SqliteGroupStore } from './adapters/sqlite/group-store.ts'
export { SqliteIndicatorStore } from './adapters/sqlite/indicator-store.ts'
export { SqliteIngestionStore } from './adapters/sqlite/ingestion-store.ts'
export { SqliteModuleStore } from './adapters/sqlite/module-store.ts'
export { SqliteNotificationStore } from './adapters/sqlite/notification-store.ts'
export { SqlitePostureHistoryStore } from './adapters/sqlite/posture-history-store.ts'
export { SqliteRuleSettingStore } from './adapters/sqlite/rule-setting-store.ts'
export { openSecurityDatabase } from './adapters/sqlite/security-database.ts'
export { SqliteSigmaStore } from './adapters/sqlite/sigma-store.ts'
export { SqliteSuppressionStore } from './adapters/sqlite/suppression-store.ts'
export { SqliteTypeSwitchStore } from './adapters/sqlite/type-switch-store.ts'
export { SqliteVulnerabilityStore } from './adapters/sqlite/vulnerability-store.ts'
export { customCheckDownload } from './api/custom-checks.ts'
export type { ApiGuard } from './api/guard.ts'
export { securityRoutes } from './api/routes.ts'
export {
  baselineSchemas,
  configurationSchemas,
  type SchemaDocument,
  schemaRoutes,
} from './api/schemas.ts'
export {
  isGivenAtBirth,
  MODULE_POLICIES,
  type ModulePolicy,
} from './modules/policy.ts'
export { securityModuleSeed } from './modules/seed.ts'
export type {
  CredentialMark,
  CredentialMarkPage,
  ModuleMark,
  ModuleMarkPage,
  PlatformModule,
  PlatformNotice,
  SecurityMessage,
  TwinPatchRequest,
  TwinPlatform,
} from './platform.ts'
export type {
  HubSettings,
  HubSetup,
  HubSetupNotice,
  WeakConnection,
  WeakTls,
} from './recommendations/hub/hub-setup.ts'
export { SecurityService } from './security.ts'
