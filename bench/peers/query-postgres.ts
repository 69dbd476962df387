import { execFileSync } from 'node:child_process'
import postgres, { type Sql } from 'postgres'
import { Child, canPin, nodeProgram } from '../child.ts'
import { DATABASE_URL } from './composite.ts'
import type { PeerContext } from './peer.ts'
import { FLEET_DEVICES, type FleetRow, fleetRows, metadataJson } from './query-fleet.ts'
import { CONNECTED_MODULES, PAGE_ROWS, type QueryStore, type Question } from './query-store.ts'
import { ServiceCalls } from './service-calls.ts'

const APPLICATION_NAME = 'twinward-bench-query'
const START_DEADLINE_MS = 20_000
/** Devices in one INSERT. */
const BATCH_DEVICES = 1_000

/** The same rows in PostgreSQL; both ways to ask for them. */
export interface PostgresStores {
  readonly stores: readonly QueryStore[]
  /** What is pinned to the server's core. */
  readonly pinning: string
  close(): Promise<void>
}

interface Row {
  readonly id: number
}

/** Runs the SQL of a question. */
type Run = (question: Question, params: (string | number)[]) => Promise<readonly Row[]>

/** @returns `undefined` when no PostgreSQL runs */
export async function openPostgres(context: PeerContext): Promise<PostgresStores | undefined> {
  const connection = { application_name: APPLICATION_NAME }
  const sql = postgres(DATABASE_URL, { max: 1, connection, onnotice: () => {} })
  try {
    await sql`SELECT 1`
  } catch {
    await sql.end()
    return undefined
  }
  await load(sql)
  const service = await startService(context)
  const isPinned = await pinBackends(sql, context.core)
  const runSql: Run = ({ sql: text }, params) => sql.unsafe<Row[]>(text, params, { prepare: true })
  const runHttps: Run = async ({ name }, params) => {
    const body = { name, params }
    const answer = await service.calls.call({ method: 'POST', path: '/query', body })
    return JSON.parse(answer.body) as Row[]
  }
  return {
    stores: [
      { name: 'postgres', title: 'PostgreSQL, bare SQL', ask: (...args) => ask(runSql, ...args) },
      {
        name: 'postgres-https',
        title: 'PostgreSQL, HTTPS',
        ask: (...args) => ask(runHttps, ...args),
      },
    ],
    pinning: isPinned ? 'PostgreSQL’s backends and the HTTPS service' : 'the HTTPS service',
    close: async () => {
      await service.stop()
      await sql`DROP SCHEMA twinward_query CASCADE`
      await sql.end()
    },
  }
}

async function startService({ certificate, core }: PeerContext) {
  const settings = {
    databaseUrl: DATABASE_URL,
    applicationName: APPLICATION_NAME,
    ...certificate,
  }
  const child = new Child({
    name: 'query-service',
    ...nodeProgram(new URL('query-service.ts', import.meta.url)),
    env: { QUERY_SETTINGS: JSON.stringify(settings), NODE_ENV: 'production' },
    ...(core !== undefined && { core }),
  })
  const { port } = await child.next<{ port: number }>(START_DEADLINE_MS)
  const service = { host: '127.0.0.1', port, serverName: 'localhost', authorization: 'none' }
  const calls = new ServiceCalls({ ...service, caFile: certificate.certFile })
  const stop = async () => {
    calls.close()
    await child.stop()
  }
  return { calls, stop }
}

async function ask(run: Run, question: Question, deviceId: string): Promise<readonly unknown[]> {
  const isPaged = question.sql.includes('LIMIT')
  const all: Row[] = []
  for (let after = 0; ; ) {
    const params = [...(question.byDevice ? [deviceId] : []), ...(isPaged ? [after] : [])]
    const rows = await run(question, params)
    const page = isPaged ? rows.slice(0, PAGE_ROWS) : rows
    all.push(...page)
    after = page.at(-1)?.id ?? after
    if (!question.allPages || rows.length <= PAGE_ROWS) return all
    if (all.length > question.rows) throw new Error('PostgreSQL has more rows than there are.')
  }
}

/** `id` stands for the order in which pages come, as Twinward's own row id does. */
async function load(sql: Sql): Promise<void> {
  await sql`DROP SCHEMA IF EXISTS twinward_query CASCADE`
  await sql`CREATE SCHEMA twinward_query`
  await sql`CREATE TABLE twinward_query.twin (
    id int PRIMARY KEY,
    device_id text NOT NULL,
    module_id text NOT NULL,
    status text NOT NULL,
    connected boolean NOT NULL,
    etag int NOT NULL,
    version int NOT NULL,
    identity jsonb NOT NULL,
    tags jsonb NOT NULL,
    desired jsonb NOT NULL,
    desired_metadata jsonb NOT NULL,
    reported jsonb NOT NULL,
    reported_metadata jsonb NOT NULL,
    UNIQUE (device_id, module_id)
  )`
  for (let first = 0; first < FLEET_DEVICES; first += BATCH_DEVICES) {
    const rows = Array.from({ length: BATCH_DEVICES }, (_, at) =>
      fleetRows(first + at).map((row, part) => toRow(row, (first + at) * 2 + part + 1)),
    ).flat()
    await sql`INSERT INTO twinward_query.twin ${sql(rows)}`
  }
  await sql`CREATE INDEX ON twinward_query.twin USING gin (tags jsonb_path_ops) WHERE module_id <> ''`
  await sql`CREATE INDEX ON twinward_query.twin (status) WHERE module_id <> ''`
  await sql`CREATE INDEX ON twinward_query.twin (id) WHERE module_id <> '' AND connected`
  await sql`VACUUM ANALYZE twinward_query.twin`
}

function toRow({ deviceId, moduleId = '', identity, twin }: FleetRow, id: number) {
  const { authentication: _, ...shown } = identity
  return {
    id,
    device_id: deviceId,
    module_id: moduleId,
    status: identity.status,
    connected: moduleId !== '' && id <= CONNECTED_MODULES * 2,
    etag: twin.etag,
    version: twin.version,
    identity: { ...shown },
    tags: twin.tags,
    desired: twin.desired.values,
    desired_metadata: metadataJson(twin.desired),
    reported: twin.reported.values,
    reported_metadata: metadataJson(twin.reported),
  }
}

async function pinBackends(sql: Sql, core: number | undefined): Promise<boolean> {
  if (core === undefined || !canPin) return false
  const backends = await sql<{ pid: number }[]>`
    SELECT pid FROM pg_stat_activity WHERE application_name = ${APPLICATION_NAME}`
  try {
    for (const { pid } of backends) {
      execFileSync('taskset', ['-cp', String(core), String(pid)], { stdio: 'pipe' })
    }
    return true
  } catch {
    return false
  }
}
