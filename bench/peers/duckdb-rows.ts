import { randomUUID } from 'node:crypto'
import {
  BIGINT,
  BOOLEAN,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  DuckDBTimestampValue,
  type DuckDBValue,
  INTEGER,
  TIMESTAMP,
  VARCHAR,
} from '@duckdb/node-api'
import { sampleEvents } from '../load/security-message.ts'

const CHUNK_ROWS = 2_048
/** The columns of Twinward's own table. */
const TABLE = `CREATE TABLE event (received TIMESTAMP, time TIMESTAMP, device VARCHAR, module VARCHAR,
  id VARCHAR, name VARCHAR, category VARCHAR, type VARCHAR, is_empty BOOLEAN, version VARCHAR,
  agent VARCHAR, local VARCHAR, sent VARCHAR, details VARCHAR, deviations VARCHAR, sequence BIGINT,
  place INTEGER)`
const TYPES = [
  ...[TIMESTAMP, TIMESTAMP, VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR, BOOLEAN],
  ...[VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR, BIGINT, INTEGER],
]

interface SampleEvent {
  readonly Name: string
  readonly Category: string
  readonly EventType: string
  readonly TimestampLocal: string
  readonly Payload: readonly object[]
}

/** A bare DuckDB file that takes the rows of 20-event messages with the appender of its own API. */
export class DuckDbAppender {
  readonly #connection: DuckDBConnection
  readonly #columns: readonly (readonly DuckDBValue[])[]
  readonly #prepared: DuckDBDataChunk

  private constructor(connection: DuckDBConnection) {
    this.#connection = connection
    this.#columns = sampleColumns()
    this.#prepared = chunkOf(this.#columns)
  }

  static async open(file: string): Promise<DuckDbAppender> {
    const settings = { threads: '2', memory_limit: '512MB', checkpoint_threshold: '64MB' }
    const instance = await DuckDBInstance.create(file, settings)
    const connection = await instance.connect()
    await connection.run(TABLE)
    return new DuckDbAppender(connection)
  }

  /**
   * Appends and commits one chunk of rows.
   *
   * @param isPrepared  whether the chunk was filled before: then all work is DuckDB's own
   */
  async append(isPrepared: boolean): Promise<number> {
    await this.#connection.run('BEGIN')
    const appender = await this.#connection.createAppender('event')
    appender.appendDataChunk(isPrepared ? this.#prepared : chunkOf(this.#columns))
    appender.closeSync()
    await this.#connection.run('COMMIT')
    return CHUNK_ROWS
  }

  close(): void {
    this.#connection.closeSync()
  }
}

function chunkOf(columns: readonly (readonly DuckDBValue[])[]): DuckDBDataChunk {
  const chunk = DuckDBDataChunk.create(TYPES)
  chunk.setColumns(columns.map((column) => [...column]))
  return chunk
}

function sampleColumns(): DuckDBValue[][] {
  const now = new DuckDBTimestampValue(BigInt(Date.now()) * 1_000n)
  const columns: DuckDBValue[][] = TYPES.map(() => [])
  let row = 0
  while (row < CHUNK_ROWS) {
    for (const event of sampleEvents() as readonly SampleEvent[]) {
      if (row === CHUNK_ROWS) break
      const values: readonly DuckDBValue[] = [
        ...[now, now, 'bench-00000', 'azureiotsecurity', randomUUID(), event.Name],
        ...[event.Category, event.EventType, false, '0.0.6'],
        ...['e8a3d9c1-6b54-4a0f-9a53-0c1c3e1f77aa', event.TimestampLocal, null],
        ...[JSON.stringify(event.Payload[0]), null, BigInt(Math.floor(row / 20)), row % 20],
      ]
      for (const [index, value] of values.entries()) columns[index]?.push(value)
      row++
    }
  }
  return columns
}
