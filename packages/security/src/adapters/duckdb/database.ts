import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'

/** Memory that DuckDB may take for queries and commits; the least that ten million rows are fine with. */
const MEMORY_LIMIT = '512MB'
/** Bytes it may spill to `<file>.tmp` when a query needs more. */
const SPILL_LIMIT = '2GB'
const MAX_THREADS = 2
/**
 * Bytes of write-ahead log after which a commit also writes a checkpoint. About one row group: a
 * checkpoint compresses the last, unfinished one anew, so more of them cost more.
 */
const CHECKPOINT_THRESHOLD = '64MB'

/** Appended to, never edited: step n brings a file from version n to version n + 1. */
const migrations: readonly string[] = [
  // The columns of SecurityIoTRawEvent where it has them, so that its queries can be translated.
  `CREATE TABLE SecurityIoTRawEvent (
    TimeGenerated    TIMESTAMP NOT NULL,
    "TimeStamp"      TIMESTAMP NOT NULL,
    DeviceId         VARCHAR NOT NULL,
    ModuleId         VARCHAR NOT NULL,
    IoTRawEventId    VARCHAR NOT NULL,
    RawEventName     VARCHAR NOT NULL,
    RawEventCategory VARCHAR NOT NULL,
    RawEventType     VARCHAR NOT NULL,
    IsEmpty          BOOLEAN NOT NULL,
    AgentVersion     VARCHAR NOT NULL,
    AgentId          VARCHAR NOT NULL,
    TimestampLocal   VARCHAR NOT NULL,
    TimestampSent    VARCHAR,
    EventDetails     VARCHAR NOT NULL,
    Deviations       VARCHAR,
    Sequence         BIGINT NOT NULL,
    "Row"            INTEGER NOT NULL
  );
  CREATE TABLE EventStoreState (SchemaVersion INTEGER NOT NULL, Cursor BIGINT NOT NULL);
  INSERT INTO EventStoreState VALUES (0, 0);`,
]

/** An open file: one connection that writes, one that reads. */
export interface EventDatabase {
  readonly writer: DuckDBConnection
  readonly reader: DuckDBConnection
  /** May be called again. */
  close(): void
}

/**
 * Opens the file, creating it when absent, and brings it to the present schema.
 *
 * @throws {Error} in words for the operator, when a newer Twinward wrote the file
 */
export async function openDatabase(file: string): Promise<EventDatabase> {
  const instance = await DuckDBInstance.create(file, {
    memory_limit: MEMORY_LIMIT,
    max_temp_directory_size: SPILL_LIMIT,
    threads: String(MAX_THREADS),
    checkpoint_threshold: CHECKPOINT_THRESHOLD,
    // SQL can reach this file and nothing else: no other files, no network, no extensions.
    enable_external_access: 'false',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  try {
    const writer = await instance.connect()
    await writer.run('SET lock_configuration = true')
    await migrate(writer, file)
    const reader = await instance.connect()
    let isClosed = false
    return {
      writer,
      reader,
      close() {
        if (isClosed) return
        isClosed = true
        reader.closeSync()
        writer.closeSync()
        instance.closeSync()
      },
    }
  } catch (error) {
    instance.closeSync()
    throw error
  }
}

async function migrate(connection: DuckDBConnection, file: string): Promise<void> {
  const version = await schemaVersion(connection)
  if (version > migrations.length) {
    throw new Error(
      `The security event store ${file} has schema version ${version}, but this version of ` +
        `Twinward knows only ${migrations.length}. Start the newer Twinward that wrote it.`,
    )
  }
  for (const [step, sql] of migrations.entries()) {
    if (step < version) continue
    await connection.run('BEGIN')
    await connection.run(sql)
    await connection.run('UPDATE EventStoreState SET SchemaVersion = $1', [step + 1])
    await connection.run('COMMIT')
  }
}

async function schemaVersion(connection: DuckDBConnection): Promise<number> {
  const tables = await connection.runAndReadAll(
    "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'EventStoreState'",
  )
  if (tables.getRows()[0]?.[0] === 0n) return 0
  const state = await connection.runAndReadAll('SELECT SchemaVersion FROM EventStoreState')
  return Number(state.getRows()[0]?.[0])
}
