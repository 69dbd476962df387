import { openSqlite, type SqliteDatabase, type SqliteOptions } from '@twinward/sqlite'
import { createConfigurations } from './schema/configurations.ts'
import { countFindings, createFindings } from './schema/findings.ts'
import { createIndicators } from './schema/indicators.ts'
import { createIngestion } from './schema/ingestion.ts'
import { createModules } from './schema/modules.ts'

/** Applied in order, each once, in a transaction. Append; never edit one that was released. */
export const MIGRATIONS: readonly string[] = [
  createFindings,
  countFindings,
  createConfigurations,
  createModules,
  createIngestion,
  createIndicators,
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
