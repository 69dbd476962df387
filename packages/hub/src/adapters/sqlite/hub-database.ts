import { openSqlite, type SqliteDatabase } from '@twinward/sqlite'
import { withPortErrors } from './hub-errors.ts'
import { createAudit } from './schema/audit.ts'
import { createCertificates } from './schema/certificates.ts'
import { createConfigurations } from './schema/configurations.ts'
import { createConsumerGroups } from './schema/consumer-groups.ts'
import { createEnrollmentTokens } from './schema/enrollment-tokens.ts'
import { createEnrollments } from './schema/enrollments.ts'
import { createEntries } from './schema/entries.ts'
import { createIpFilter } from './schema/ip-filter.ts'
import { createJobs } from './schema/jobs.ts'
import { createQueryColumns } from './schema/query.ts'
import { createRegistryJobs } from './schema/registry-jobs.ts'
import { createRollouts } from './schema/rollouts.ts'
import { createRouting } from './schema/routing.ts'

/** Applied in order, each once, in a transaction. Append; never edit one that was released. */
const MIGRATIONS: readonly string[] = [
  createEntries,
  createQueryColumns,
  createCertificates,
  createRegistryJobs,
  createEnrollments,
  createConsumerGroups,
  createRouting,
  createEnrollmentTokens,
  createJobs,
  createConfigurations,
  createRollouts,
  createIpFilter,
  createAudit,
]

export interface HubDatabaseOptions {
  readonly file: string
  /** The store can no longer promise durability; the process should say why and end. */
  readonly onFailure: (error: Error) => void
}

/**
 * The file of identities and twins, and of what belongs to them; its adapters share the thread.
 *
 * @throws as `openSqlite`
 */
export async function openHubDatabase({
  file,
  onFailure,
}: HubDatabaseOptions): Promise<SqliteDatabase> {
  const options = { file, migrations: MIGRATIONS, queryFunctions: queryFunctions(), onFailure }
  return withPortErrors(await openSqlite(options))
}

/** The module that the query thread loads: tsc does not rewrite the extension of a URL. */
function queryFunctions(): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new URL(`./query/functions.${extension}`, import.meta.url)
}
