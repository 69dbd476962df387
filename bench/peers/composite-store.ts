import postgres, { type Sql } from 'postgres'

/** Its connections can be told from others by this name. */
export const APPLICATION_NAME = 'twinward-bench'
/** Twins written or read by one statement at most. */
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

export interface Reads {
  /** The twin as it is committed, if there is one. */
  find(deviceId: string): Promise<TwinRow | undefined>
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
  const writes = new Batches<{ id: string; patch: Patch }, number>(async (batch) => {
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
  const writes = new Batches<{ id: string; patch: Patch; etag?: number }, TwinRow>(
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

/** A connection of its own; reads gather while one statement is under way, as writes do. */
export async function openReads(url: string): Promise<Reads> {
  const sql = await connect(url)
  const reads = new Batches<{ id: string }, TwinRow>(async (batch) => {
    const ids = batch.map(({ id }) => id)
    const rows = await sql<TwinRow[]>`SELECT * FROM twinward_bench.twin WHERE id = ANY(${ids})`
    return new Map(rows.map((row) => [row.id, row]))
  })
  return { find: (id) => reads.add({ id }) }
}

async function connect(url: string): Promise<Sql> {
  const sql = postgres(url, { max: 1, connection: { application_name: APPLICATION_NAME } })
  await sql`SELECT 1`
  return sql
}

interface Waiting<Call, Result> {
  readonly call: Call
  readonly resolve: (result: Result | undefined) => void
  readonly reject: (error: unknown) => void
}

/** While one statement is under way the next calls gather, and go as one. */
class Batches<Call extends { readonly id: string }, Result> {
  readonly #run: (batch: readonly Call[]) => Promise<ReadonlyMap<string, Result>>
  readonly #oneForEachTwin: boolean
  #gathering: Waiting<Call, Result>[] = []
  #isBusy = false

  constructor(
    run: (batch: readonly Call[]) => Promise<ReadonlyMap<string, Result>>,
    { oneForEachTwin = false } = {},
  ) {
    this.#run = run
    this.#oneForEachTwin = oneForEachTwin
  }

  add(call: Call): Promise<Result | undefined> {
    return new Promise((resolve, reject) => {
      this.#gathering.push({ call, resolve, reject })
      if (this.#isBusy) return
      this.#isBusy = true
      // After this turn, so that everything one read brought is in the first batch.
      setImmediate(() => void this.#drain())
    })
  }

  async #drain(): Promise<void> {
    while (this.#gathering.length > 0) {
      const batch = this.#take()
      try {
        const results = await this.#run(batch.map(({ call }) => call))
        for (const one of batch) one.resolve(results.get(one.call.id))
      } catch (error) {
        for (const one of batch) one.reject(error)
      }
    }
    this.#isBusy = false
  }

  #take(): readonly Waiting<Call, Result>[] {
    if (!this.#oneForEachTwin) return this.#gathering.splice(0, MAX_BATCH)
    const batch = new Map<string, Waiting<Call, Result>>()
    const later: Waiting<Call, Result>[] = []
    for (const one of this.#gathering) {
      if (batch.size === MAX_BATCH || batch.has(one.call.id)) later.push(one)
      else batch.set(one.call.id, one)
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
