import type { SqliteDatabase, SqlRow } from '@twinward/sqlite'
import type { Configuration, MetricResults } from '../../configurations/configuration.ts'
import type {
  ConfigurationStore,
  Pass,
  StoredConfiguration,
} from '../../configurations/configuration-store.ts'

const LIST = 'SELECT configuration, results FROM configuration ORDER BY id'
const INSERT = `INSERT INTO configuration (id, revision, configuration) VALUES (?, ?, ?)
  ON CONFLICT DO NOTHING`
const REPLACE = `UPDATE configuration SET revision = ?, configuration = ?
  WHERE id = ? AND revision = ?`
const REMOVE = 'DELETE FROM configuration WHERE id = ?'
const RESULTS = 'UPDATE configuration SET results = ? WHERE id = ?'
// After a write of the configuration in the same unit, only if that changed something.
const IF_WRITTEN = `INSERT INTO configuration_pass (id, number, place)
  SELECT ?, ?, ? WHERE changes() = 1
  ON CONFLICT (id) DO UPDATE SET number = excluded.number, place = excluded.place`
const BEGIN = 'INSERT OR REPLACE INTO configuration_pass (id, number, place) VALUES (?, ?, ?)'
const PASSES = 'SELECT id, number, place FROM configuration_pass ORDER BY id'
const MOVE = 'UPDATE configuration_pass SET place = ? WHERE id = ? AND number = ?'
const END = 'DELETE FROM configuration_pass WHERE id = ? AND number = ?'

/** Configurations in table `configuration`, passes over twins in `configuration_pass`. */
export class SqliteConfigurationStore implements ConfigurationStore {
  readonly #db: SqliteDatabase

  /** @param db  of `openHubDatabase`, which others may use beside it */
  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async list(): Promise<readonly StoredConfiguration[]> {
    const rows = await this.#db.read(LIST, [])
    return rows.map(([configuration, results]) => ({
      configuration: JSON.parse(String(configuration)) as Configuration,
      ...(results !== null && { results: JSON.parse(String(results)) as MetricResults }),
    }))
  }

  async put(configuration: Configuration, pass: Pass): Promise<boolean> {
    const { id, revision } = configuration
    const text = JSON.stringify(configuration)
    const write =
      revision === 1
        ? { sql: INSERT, params: [id, revision, text] }
        : { sql: REPLACE, params: [revision, text, id, revision - 1] }
    const [result] = await this.#db.write([write, begin(IF_WRITTEN, pass)])
    return result?.changes === 1
  }

  async remove(pass: Pass): Promise<boolean> {
    const removal = { sql: REMOVE, params: [pass.configurationId] }
    const [result] = await this.#db.write([removal, begin(IF_WRITTEN, pass)])
    return result?.changes === 1
  }

  async beginPass(pass: Pass): Promise<void> {
    await this.#db.write([begin(BEGIN, pass)])
  }

  async putResults(id: string, results: MetricResults): Promise<void> {
    await this.#db.write([{ sql: RESULTS, params: [JSON.stringify(results), id] }])
  }

  async passes(): Promise<readonly Pass[]> {
    return (await this.#db.read(PASSES, [])).map(toPass)
  }

  async movePass(pass: Pass): Promise<void> {
    const { configurationId, number } = pass
    await this.#db.write([{ sql: MOVE, params: [placeOf(pass), configurationId, number] }])
  }

  async endPass({ configurationId, number }: Pass): Promise<void> {
    await this.#db.write([{ sql: END, params: [configurationId, number] }])
  }
}

function begin(sql: string, pass: Pass) {
  return { sql, params: [pass.configurationId, pass.number, placeOf(pass)] }
}

function placeOf({ step, after }: Pass): string {
  return JSON.stringify({ step, ...(after !== undefined && { after }) })
}

function toPass([id, number, place]: SqlRow): Pass {
  const { step, after } = JSON.parse(String(place)) as Pick<Pass, 'step' | 'after'>
  const at = { step, ...(after !== undefined && { after }) }
  return { configurationId: String(id), number: Number(number), ...at }
}
