import { createHash } from 'node:crypto'
import type { SqliteDatabase, SqlRow, Statement } from '@twinward/sqlite'
import {
  type CheckDefinition,
  type CheckState,
  type DeviceBaseline,
  openChecks,
} from '../../baseline/baseline.ts'
import {
  type BaselineStore,
  type BaselineTotals,
  type CheckFailure,
  MAX_SUMMARY_BENCHMARKS,
  MAX_SUMMARY_CHECKS,
  type StoredResult,
} from '../../baseline/baseline-store.ts'
import { countBaseline, resultOf } from '../../baseline/counts.ts'
import { MAX_PAGE_CHARACTERS } from '../../data/finding-limits.ts'
import type { FindingBatch, Page } from '../../data/finding-store.ts'
import { checkLimit, formatPageToken, parsePageToken } from '../../data/page-token.ts'
import type { BaselineResult } from '../../posture/score.ts'
import { cutPage } from './list.ts'

/** The place of a result in this list is how it is stored. */
const RESULTS = ['pass', 'fail', 'error', 'skip'] as const

const ADD_DEFINITIONS = `INSERT OR IGNORE INTO baseline_definition (hash, document)
  SELECT value ->> 0, value ->> 1 FROM json_each(?)`

const ADD_CHECKS = `INSERT OR IGNORE INTO baseline_check (benchmark, check_id)
  SELECT ?, value ->> 0 FROM json_each(?)`

const PUT = `INSERT INTO baseline (device_id, benchmark, evaluated_ms, base_ms, document, outcomes,
    pass, fail, error, skip, disabled, definitions, failing)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    (SELECT json_group_array(no ORDER BY key) FROM json_each(?)
      CROSS JOIN baseline_definition ON hash = value),
    (SELECT json_group_array(json_array(no, value ->> 1, value ->> 2) ORDER BY key)
      FROM json_each(?) CROSS JOIN baseline_check ON benchmark = ? AND check_id = value ->> 0))
  ON CONFLICT (device_id, benchmark) DO UPDATE SET
    evaluated_ms = excluded.evaluated_ms, base_ms = excluded.base_ms, document = excluded.document,
    outcomes = excluded.outcomes, pass = excluded.pass, fail = excluded.fail,
    error = excluded.error, skip = excluded.skip, disabled = excluded.disabled,
    definitions = excluded.definitions, failing = excluded.failing`

/** Removes what no device refers to any more; looks at nothing else. */
const DROP_UNUSED: readonly Statement[] = [
  { sql: 'DELETE FROM baseline_definition WHERE users = 0', params: [] },
  { sql: 'DELETE FROM baseline_check WHERE most_first = 0', params: [] },
]

const REPEAT = `UPDATE baseline SET evaluated_ms = ?,
    document = json_set(document, '$.result.evaluatedMs', ?)
  WHERE device_id = ? AND benchmark = ?`

/** The statements of a unit that stores what a batch says of baselines. */
export function baselineStatements({
  baselines = [],
  removedBaselines: removed = [],
  repeatedBaselines: repeated = [],
}: FindingBatch): readonly Statement[] {
  const repeats = repeated.map(({ deviceId, benchmark, evaluatedMs }) => ({
    sql: REPEAT,
    params: [evaluatedMs, evaluatedMs, deviceId, benchmark],
  }))
  if (baselines.length + removed.length === 0) return repeats
  return [
    ...repeats,
    ...removed.map(({ deviceId, benchmark }) => ({
      sql: 'DELETE FROM baseline WHERE device_id = ? AND benchmark = ?',
      params: [deviceId, benchmark],
    })),
    ...baselines.flatMap(putBaseline),
    ...DROP_UNUSED,
  ]
}

/** The statements of a unit that forgets the device's. */
export function removeBaselines(deviceId: string): readonly Statement[] {
  return [{ sql: 'DELETE FROM baseline WHERE device_id = ?', params: [deviceId] }, ...DROP_UNUSED]
}

function putBaseline(baseline: DeviceBaseline): readonly Statement[] {
  const { deviceId, benchmark, evaluatedMs, checks, ...rest } = baseline
  const { tellsPasses, leftOut, disabled } = rest
  const counts = countBaseline(baseline)
  const definitions = checks.map(hashedDefinition)
  const hashes = JSON.stringify(definitions.map(([hash]) => hash))
  const baseMs = checks.reduce(
    (least, { lastChangedMs, firstFailedMs }) =>
      Math.min(least, lastChangedMs, firstFailedMs || lastChangedMs),
    evaluatedMs,
  )
  const failing = JSON.stringify(failingChecks(baseline, baseMs))
  return [
    { sql: ADD_DEFINITIONS, params: [JSON.stringify(definitions)] },
    { sql: ADD_CHECKS, params: [benchmark, failing] },
    {
      sql: PUT,
      params: [
        ...[deviceId, benchmark, evaluatedMs, baseMs],
        JSON.stringify({ tellsPasses, leftOut, disabled, result: resultOf(baseline) }),
        JSON.stringify(checks.map((check) => outcomeOf(check, baseMs))),
        ...[counts.pass, counts.fail, counts.error, counts.skip, counts.disabled],
        ...[hashes, failing, benchmark],
      ],
    },
  ]
}

function hashedDefinition(check: CheckDefinition): readonly [hash: string, document: string] {
  const { id, group, severity, description, remediation } = check
  const document = JSON.stringify([id, group, severity, description, remediation])
  return [
    createHash('sha256').update(document).digest('base64url').slice(0, HASH_CHARACTERS),
    document,
  ]
}

/** 132 bits: nobody finds two definitions with one hash. */
const HASH_CHARACTERS = 22

function failingChecks(baseline: DeviceBaseline, baseMs: number) {
  const byId = new Map<string, readonly [string, number, number]>()
  for (const { id, result, firstFailedMs, lastChangedMs } of openChecks(baseline)) {
    // Two checks of one id are one here; a failure counts before an error.
    if (byId.has(id) && result === 'error') continue
    const sinceMs = firstFailedMs || lastChangedMs
    byId.set(id, [id, RESULTS.indexOf(result), sinceMs - baseMs])
  }
  return [...byId.values()]
}

type BaselineDocument = Pick<DeviceBaseline, 'tellsPasses' | 'leftOut' | 'disabled'> & {
  readonly result: BaselineResult
}

type Outcome = readonly [result: number, changed: number, since?: number, error?: string]

function outcomeOf(check: CheckState, baseMs: number): Outcome {
  const { result, lastChangedMs, firstFailedMs, error } = check
  const changed = lastChangedMs - baseMs
  const since = firstFailedMs === 0 ? -1 : firstFailedMs - baseMs
  const place = RESULTS.indexOf(result)
  if (error !== '') return [place, changed, since, error]
  return since === (result === 'fail' ? changed : -1) ? [place, changed] : [place, changed, since]
}

const SELECT = `SELECT device_id, benchmark, evaluated_ms, base_ms, document, outcomes,
    (SELECT json_group_array(json(d.document) ORDER BY key)
      FROM json_each(baseline.definitions) JOIN baseline_definition d ON d.no = value)
  FROM baseline`

/** Baselines in the file of the security service. */
export class SqliteBaselines implements BaselineStore {
  readonly #db: SqliteDatabase

  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  async ofDevice(deviceId: string): Promise<readonly DeviceBaseline[]> {
    const sql = `${SELECT} WHERE device_id = ? ORDER BY benchmark`
    return (await this.#db.read(sql, [deviceId])).map(parseBaseline)
  }

  async results(deviceId: string): Promise<readonly StoredResult[]> {
    const sql = 'SELECT benchmark, document FROM baseline WHERE device_id = ? ORDER BY benchmark'
    return (await this.#db.read(sql, [deviceId])).map(([benchmark, document]) => {
      const { disabled, result } = JSON.parse(String(document)) as BaselineDocument
      return { benchmark: String(benchmark), disabled, result }
    })
  }

  async list({
    benchmark,
    limit,
    continuationToken: token,
  }: Parameters<BaselineStore['list']>[0]): Promise<Page<DeviceBaseline>> {
    checkLimit(limit)
    const [deviceId = '', of = ''] =
      token === undefined ? [] : parsePageToken('baselines', token).id.split('\n')
    const rows =
      benchmark === undefined
        ? await this.#db.read(
            `${SELECT} WHERE (device_id, benchmark) > (?, ?) ORDER BY device_id, benchmark LIMIT ?`,
            [deviceId, of, limit + 1],
            MAX_PAGE_CHARACTERS,
          )
        : await this.#db.read(
            `${SELECT} WHERE benchmark = ? AND device_id > ? ORDER BY device_id LIMIT ?`,
            [benchmark, deviceId, limit + 1],
            MAX_PAGE_CHARACTERS,
          )
    const { rows: kept, hasMore } = cutPage(rows, limit)
    const items = kept.map(parseBaseline)
    const last = items.at(-1)
    const id = `${last?.deviceId}\n${last?.benchmark}`
    return {
      items,
      continuationToken: hasMore ? formatPageToken('baselines', { order: 0, id }) : null,
    }
  }

  async failures({
    benchmark,
    checkId,
    limit,
    continuationToken: token,
  }: Parameters<BaselineStore['failures']>[0]): Promise<Page<CheckFailure>> {
    checkLimit(limit)
    const after = token === undefined ? '' : parsePageToken('baseline-failures', token).id
    const sql = `SELECT device_id, result, since_ms FROM baseline_failure
      WHERE check_no = (SELECT no FROM baseline_check WHERE benchmark = ? AND check_id = ?)
        AND device_id > ? ORDER BY device_id LIMIT ?`
    const rows = await this.#db.read(sql, [benchmark, checkId, after, limit + 1])
    const { rows: kept, hasMore } = cutPage(rows, limit)
    const items = kept.map(parseFailure)
    const id = items.at(-1)?.deviceId ?? ''
    const next = hasMore ? formatPageToken('baseline-failures', { order: 0, id }) : null
    return { items, continuationToken: next }
  }

  async totals(): Promise<BaselineTotals> {
    const [benchmarks, checks] = await Promise.all([
      this.#db.read(
        `SELECT benchmark, devices, pass, fail, error, skip, disabled FROM baseline_total
          ORDER BY devices DESC, benchmark LIMIT ?`,
        [MAX_SUMMARY_BENCHMARKS],
      ),
      this.#db.read(
        `SELECT benchmark, check_id, failing, errors FROM baseline_check
          ORDER BY most_first, benchmark, check_id LIMIT ?`,
        [MAX_SUMMARY_CHECKS],
      ),
    ])
    return { benchmarks: benchmarks.map(parseTotals), checks: checks.map(parseCheckTotals) }
  }
}

function parseBaseline(row: SqlRow): DeviceBaseline {
  const [deviceId, benchmark, evaluated, base, document, outcomes, definitions] = row
  const { tellsPasses, leftOut, disabled } = JSON.parse(String(document)) as BaselineDocument
  const stored = JSON.parse(String(outcomes)) as readonly Outcome[]
  const known = JSON.parse(String(definitions)) as readonly (readonly string[])[]
  const checks = known.map((definition, at) =>
    parseCheck(definition, stored[at] ?? [0, 0], Number(base)),
  )
  return {
    deviceId: String(deviceId),
    benchmark: String(benchmark),
    evaluatedMs: Number(evaluated),
    ...{ tellsPasses, leftOut, disabled, checks },
  }
}

function parseCheck(
  [id = '', group = '', severity = '', description = '', remediation = '']: readonly string[],
  [place, changed, since, error = '']: Outcome,
  baseMs: number,
): CheckState {
  const result = RESULTS[place] ?? 'error'
  const after = since ?? (result === 'fail' ? changed : -1)
  return {
    ...{ id, group, severity: severity as CheckState['severity'], description, remediation },
    ...{ result, error },
    firstFailedMs: after < 0 ? 0 : baseMs + after,
    lastChangedMs: baseMs + changed,
  }
}

function parseFailure([deviceId, result, since]: SqlRow): CheckFailure {
  return {
    deviceId: String(deviceId),
    result: Number(result) === RESULTS.indexOf('fail') ? 'fail' : 'error',
    sinceMs: Number(since),
  }
}

function parseTotals([benchmark, ...counts]: SqlRow): BaselineTotals['benchmarks'][number] {
  const [devices = 0, pass = 0, fail = 0, error = 0, skip = 0, disabled = 0] = counts.map(Number)
  return { benchmark: String(benchmark), devices, pass, fail, error, skip, disabled }
}

function parseCheckTotals([benchmark, checkId, failing, errors]: SqlRow) {
  return {
    benchmark: String(benchmark),
    checkId: String(checkId),
    failing: Number(failing),
    errors: Number(errors),
  }
}
