export { DuckDbEventStore } from './adapters/duckdb/event-store.ts'
export { SqliteFindingStore } from './adapters/sqlite/finding-store.ts'
export type { ApiGuard } from './api/guard.ts'
export { securityRoutes } from './api/routes.ts'
export { securityModuleSeed } from './modules/seed.ts'
export type {
  PlatformModule,
  PlatformNotice,
  SecurityMessage,
  TwinPatchRequest,
  TwinPlatform,
} from './platform.ts'
export { SecurityService } from './security.ts'
