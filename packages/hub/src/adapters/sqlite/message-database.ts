import { openSqlite, type SqliteDatabase } from '@twinward/sqlite'
import type { HubDatabaseOptions } from './hub-database.ts'
import { withPortErrors } from './hub-errors.ts'
import { createCloudMessages } from './schema/cloud-messages.ts'
import { createEventSizes } from './schema/event-sizes.ts'
import { createEvents } from './schema/events.ts'

/** Applied in order, each once, in a transaction. Append; never edit one that was released. */
const MIGRATIONS: readonly string[] = [createEvents, createCloudMessages, createEventSizes]

/**
 * The file of messages: the event log and what else comes and goes; its adapters share the thread.
 *
 * @throws as `openSqlite`
 */
export async function openMessageDatabase({
  file,
  onFailure,
}: HubDatabaseOptions): Promise<SqliteDatabase> {
  return withPortErrors(await openSqlite({ file, migrations: MIGRATIONS, onFailure }))
}
