import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import postgres, { type Sql } from 'postgres'
import { Child, canPin, nodeProgram } from '../child.ts'
import { APPLICATION_NAME } from './composite-store.ts'
import { launchMosquitto } from './mosquitto.ts'
import { deviceIds, openLogins, type Peer, type PeerContext } from './peer.ts'
import { signSas } from './sas.ts'

const START_DEADLINE_MS = 20_000
export const DATABASE_URL =
  process.env.TWINWARD_BENCH_POSTGRES ?? 'postgres://postgres@127.0.0.1:5432/test'

/** mosquitto for TLS and MQTT, a PostgreSQL row per twin, one Fastify + mqtt.js service between. */
export async function startComposite(context: PeerContext): Promise<Peer> {
  const { certificate, core } = context
  const sql = postgres(DATABASE_URL, { max: 1, onnotice: () => {} })
  await createTable(sql)
  const mosquitto = await launchMosquitto(context, 'composite-mosquitto')
  const policy = { name: 'service', key: randomBytes(32).toString('base64') }
  const settings = {
    databaseUrl: DATABASE_URL,
    mqttPort: mosquitto.plainPort,
    policy,
    ...certificate,
  }
  const service = new Child({
    name: 'composite-service',
    ...nodeProgram(new URL('composite-service.ts', import.meta.url)),
    env: { COMPOSITE_SETTINGS: JSON.stringify(settings), NODE_ENV: 'production' },
    ...(core !== undefined && { core }),
  })
  const { port } = await service.next<{ port: number }>(START_DEADLINE_MS)
  const backends = await backendPids(sql)
  const backendsPinned = core !== undefined && pinAll(backends, core)
  return {
    name: 'composite',
    title: 'composite: mosquitto + Node + PostgreSQL',
    target: {
      dialect: 'composite',
      host: '127.0.0.1',
      port: mosquitto.tlsPort,
      serverName: 'localhost',
      caFile: certificate.certFile,
    },
    pinning: `mosquitto, the service${
      backendsPinned ? ', its PostgreSQL backends' : ''
    }; not PostgreSQL's ${backendsPinned ? 'WAL writer and checkpointer' : 'processes'}`,
    pids: [mosquitto.child.pid, service.pid, ...backends],
    http: { port, authorization: signSas('localhost', policy.key, policy.name) },
    createDevices: async (count) => {
      const rows = deviceIds(count).map((id) => ({ id }))
      await sql`INSERT INTO twinward_bench.twin ${sql(rows)} ON CONFLICT DO NOTHING`
      return openLogins(count)
    },
    stop: async () => {
      await Promise.all([service.stop(), mosquitto.child.stop()])
      await sql`DROP SCHEMA twinward_bench CASCADE`
      await sql.end()
    },
  }
}

async function createTable(sql: Sql): Promise<void> {
  await sql`DROP SCHEMA IF EXISTS twinward_bench CASCADE`
  await sql`CREATE SCHEMA twinward_bench`
  // Room on every page, so that PostgreSQL can update in place without touching the index.
  await sql`CREATE TABLE twinward_bench.twin (
    id text PRIMARY KEY,
    status text NOT NULL DEFAULT 'enabled',
    etag int NOT NULL DEFAULT 1,
    version int NOT NULL DEFAULT 1,
    tags jsonb NOT NULL DEFAULT '{}',
    reported jsonb NOT NULL DEFAULT '{}',
    reported_version int NOT NULL DEFAULT 1,
    desired jsonb NOT NULL DEFAULT '{}',
    desired_metadata jsonb NOT NULL DEFAULT '{}',
    desired_time text NOT NULL DEFAULT '0001-01-01T00:00:00Z',
    desired_version int NOT NULL DEFAULT 1
  ) WITH (fillfactor = 50)`
}

async function backendPids(sql: Sql): Promise<number[]> {
  const rows = await sql<{ pid: number }[]>`
    SELECT pid FROM pg_stat_activity WHERE application_name = ${APPLICATION_NAME}`
  return rows.map((row) => row.pid)
}

/** Only root or PostgreSQL's own user may; anybody else is told in the table that it was not done. */
function pinAll(pids: readonly number[], core: number): boolean {
  if (!canPin) return false
  try {
    for (const pid of pids) execFileSync('taskset', ['-cp', String(core), String(pid)])
    return true
  } catch {
    return false
  }
}
