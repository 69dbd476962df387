export { AttachedPlatform } from './adapters/attached/attached-platform.ts'
export { parseHubAddress } from './adapters/attached/hub-address.ts'
export { Inbox } from './adapters/attached/inbox.ts'
export { DuckDbEventStore } from './adapters/duckdb/event-store.ts'
export { SqliteConfigurationStore } from './adapters/sqlite/configuration-store.ts'
export { SqliteEventSchemaStore } from './adapters/sqlite/event-schema-store.ts'
export { SqliteFindingStore } from './adapters/sqlite/finding-store.ts'
export { SqliteIndicatorStore } from './adapters/sqlite/indicator-store.ts'
export { SqliteIngestionStore } from './adapters/sqlite/ingestion-store.ts'
export { SqliteModuleStore } from './adapters/sqlite/module-store.ts'
export { SqliteRuleSettingStore } from './adapters/sqlite/rule-setting-store.ts'
export { openSecurityDatabase } from './adapters/sqlite/security-database.ts'
export type { ApiGuard } from './api/guard.ts'
export { securityRoutes } from './api/routes.ts'
export { configurationSchemas, type SchemaDocument, schemaRoutes } from './api/schemas.ts'
export {
  isGivenAtBirth,
  MODULE_POLICIES,
  type ModulePolicy,
} from './modules/policy.ts'
export { securityModuleSeed } from './modules/seed.ts'
export type {
  ModuleMark,
  ModuleMarkPage,
  PlatformModule,
  PlatformNotice,
  SecurityMessage,
  TwinPatchRequest,
  TwinPlatform,
} from './platform.ts'
export { SecurityService } from './security.ts'
