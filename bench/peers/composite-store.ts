import postgres, { type Sql } from 'postgres'

/** Its connections can be told from others by this name. */
export const APPLICATION_NAME = 'twinward-bench'
/** Twins written by one statement at most. */
const MAX_BATCH = 2_000

export type Patch = Readonly<Record<string, unknown>>

export interface Reported {
  /** Merges into reported; resolves once it is durable, to its version, if the twin exists. */
  patch(deviceId: string, patch: Patch): Promise<number | undefined>
}

export interface Desired {
  /**
   * Merges into desired; resolves once it is durable, to the whole twin.
   *
   * @param etag  what the twin's etag must be; absent: anything
   * @returns `undefined` when there is no such twin, or not with this etag
   */
  patch(deviceId: string, patch: Patch, etag?: number): Promise<TwinRow | undefined>
}

/** A row of `twinward_bench.twin`. */
export interface TwinRow {
  readonly id: string
  readonly status: string
  readonly etag: number
  readonly version: number
  readonly tags: Patch
  readonly desired: Patch
  /** By property: when it was written, and in which version. */
  readonly desired_metadata: Patch
  readonly desired_time: string
  readonly desired_version: number
  readonly reported: Patch
  readonly reported_version: number
}

/** A connection of its own, synchronous_commit as the server has it. */
export async function openReported(url: string): Promise<Reported> {
  const sql = await connect(url)
  const writes = new GroupCommit<{ id: string; patch: Patch }, number>(async (batch) => {
    const patches = JSON.stringify(mergeByTwin(batch))
    const rows = await sql<{ id: string; version: number }[]>`
      UPDATE twinward_bench.twin AS t
      SET reported = jsonb_strip_nulls(t.reported || p.patch),
        reported_version = t.reported_version + p.count
      FROM jsonb_to_recordset(${patches}::text::jsonb) AS p (id text, patch jsonb, count int)
      WHERE t.id = p.id
      RETURNING t.id, t.reported_version AS version`
    return new Map(rows.map((row) => [row.id, row.version]))
  })
  return { patch: (id, patch) => writes.add({ id, patch }) }
}

/**
 * A connection of its own, synchronous_commit as the server has it. One change per twin and statement:
 * every caller is answered with the twin after its own.
 */
export async function openDesired(url: string): Promise<Desired> {
  const sql = await connect(url)
  const writes = new GroupCommit<{ id: string; patch: Patch; etag?: number }, TwinRow>(
    async (batch) => {
      const now = new Date().toISOString()
      const rows = await sql<TwinRow[]>`
        UPDATE twinward_bench.twin AS t
        SET desired = jsonb_strip_nulls(t.desired || p.patch),
          desired_metadata = jsonb_strip_nulls(t.desired_metadata || coalesce((
            SELECT jsonb_object_agg(key, CASE WHEN value <> 'null' THEN jsonb_build_object(
              '$lastUpdated', ${now}::text, '$lastUpdatedVersion', t.desired_version + 1) END)
            FROM jsonb_each(p.patch)), '{}')),
          desired_time = ${now}::text,
          desired_version = t.desired_version + 1, version = t.version + 1, etag = t.etag + 1
        FROM jsonb_to_recordset(${JSON.stringify(batch)}::text::jsonb)
          AS p (id text, patch jsonb, etag int)
        WHERE t.id = p.id AND (p.etag IS NULL OR p.etag = t.etag)
        RETURNING t.*`
      return new Map(rows.map((row) => [row.id, row]))
    },
    { oneForEachTwin: true },
  )
  return {
    patch: (id, patch, etag) => writes.add({ id, patch, ...(etag !== undefined && { etag }) }),
  }
}

async function connect(url: string): Promise<Sql> {
  const sql = postgres(url, { max: 1, connection: { application_name: APPLICATION_NAME } })
  await sql`SELECT 1`
  return sql
}

interface Waiting<Write, Result> {
  readonly write: Write
  readonly resolve: (result: Result | undefined) => void
  readonly reject: (error: unknown) => void
}

/** While one statement is under way the next writes gather, and go as one, one row per twin. */
class GroupCommit<Write extends { readonly id: string }, Result> {
  readonly #commit: (batch: readonly Write[]) => Promise<ReadonlyMap<string, Result>>
  readonly #oneForEachTwin: boolean
  #gathering: Waiting<Write, Result>[] = []
  #isWriting = false

  constructor(
    commit: (batch: readonly Write[]) => Promise<ReadonlyMap<string, Result>>,
    { oneForEachTwin = false } = {},
  ) {
    this.#commit = commit
    this.#oneForEachTwin = oneForEachTwin
  }

  add(write: Write): Promise<Result | undefined> {
    return new Promise((resolve, reject) => {
      this.#gathering.push({ write, resolve, reject })
      if (this.#isWriting) return
      this.#isWriting = true
      // After this turn, so that everything one read brought is in the first batch.
      setImmediate(() => void this.#drain())
    })
  }

  async #drain(): Promise<void> {
    while (this.#gathering.length > 0) {
      const batch = this.#take()
      try {
        const results = await this.#commit(batch.map(({ write }) => write))
        for (const one of batch) one.resolve(results.get(one.write.id))
      } catch (error) {
        for (const one of batch) one.reject(error)
      }
    }
    this.#isWriting = false
  }

  #take(): readonly Waiting<Write, Result>[] {
    if (!this.#oneForEachTwin) return this.#gathering.splice(0, MAX_BATCH)
    const batch = new Map<string, Waiting<Write, Result>>()
    const later: Waiting<Write, Result>[] = []
    for (const one of this.#gathering) {
      if (batch.size === MAX_BATCH || batch.has(one.write.id)) later.push(one)
      else batch.set(one.write.id, one)
    }
    this.#gathering = later
    return [...batch.values()]
  }
}

function mergeByTwin(batch: readonly { id: string; patch: Patch }[]) {
  const merged = new Map<string, { id: string; patch: Record<string, unknown>; count: number }>()
  for (const { id, patch } of batch) {
    const known = merged.get(id)
    if (known) {
      Object.assign(known.patch, patch)
      known.count++
    } else merged.set(id, { id, patch: { ...patch }, count: 1 })
  }
  return [...merged.values()]
}
