import { openSqlite, type SqliteDatabase, type SqliteOptions } from '@twinward/sqlite'
import { createActivity } from './schema/activity.ts'
import { createBaseline } from './schema/baseline.ts'
import { createConfigurations } from './schema/configurations.ts'
import { countFindings, createFindings } from './schema/findings.ts'
import { createGroups } from './schema/groups.ts'
import { createIndicators } from './schema/indicators.ts'
import { createIngestion } from './schema/ingestion.ts'
import { createModules } from './schema/modules.ts'
import { createNotifications } from './schema/notifications.ts'
import { createPostureHistory } from './schema/posture-history.ts'
import { extendRecommendations } from './schema/recommendations.ts'
import { markRemovedDevices } from './schema/removed-devices.ts'
import { createSigma } from './schema/sigma.ts'
import { createSuppressions } from './schema/suppressions.ts'

/** Applied in order, each once, in a transaction. Append; never edit one that was released. */
export const MIGRATIONS: readonly string[] = [
  createFindings,
  countFindings,
  createConfigurations,
  createModules,
  createIngestion,
  createIndicators,
  createGroups,
  createSuppressions,
  createSigma,
  createBaseline,
  createPostureHistory,
  extendRecommendations,
  createNotifications,
  createActivity,
  markRemovedDevices,
]

/**
 * The file of what the security service keeps beside raw events; its adapters share the thread.
 *
 * @throws {StoreInUseError} when somebody else works on the file
 * @throws {StoreTooNewError} when a newer version of the program wrote it
 */
export function openSecurityDatabase(
  options: Omit<SqliteOptions, 'migrations'>,
): Promise<SqliteDatabase> {
  return openSqlite({ ...options, migrations: MIGRATIONS })
}
