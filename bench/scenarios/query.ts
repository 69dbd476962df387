import { makeCertificate } from '../certificate.ts'
import { canPin, SERVER_CORE } from '../child.ts'
import type { LoadDriver, Measured } from '../load-driver.ts'
import type { Options } from '../options.ts'
import type { Peer } from '../peers/peer.ts'
import { FLEET_DEVICES, fleetDeviceId } from '../peers/query-fleet.ts'
import { openPostgres, type PostgresStores } from '../peers/query-postgres.ts'
import {
  CONNECTED_MODULES,
  type QueryStore,
  type Question,
  questions,
} from '../peers/query-store.ts'
import { startQueryTwinward, twinwardQueries } from '../peers/query-twinward.ts'
import { quiet } from '../proc.ts'
import { print, progress } from '../report.ts'
import { median, pairedRatio, spread } from '../statistics.ts'
import { formatCount, formatMs, formatPercent, formatRatio, renderTable } from '../table.ts'
import { connectModules } from './reporting-modules.ts'

/** A question is asked for this share of `--seconds` in each round, at least once. */
const ASK_SHARE = 0.25
/** It looks at every device for its security module first. */
const QUIET_DEADLINE_MS = 240_000
/** Then it looks at the posture of every device, and writes: no figure may be taken after that. */
const SWEEP_MS = 300_000

/** Queries over 100,000 module twins, and what they do to devices that report meanwhile. */
export async function benchQuery(options: Options, folder: string): Promise<void> {
  const chosen = questions.filter(({ name }) => options.scenarios?.includes(name) ?? true)
  const core = canPin ? SERVER_CORE : undefined
  const certificate = makeCertificate(folder)
  const context = { folder, certificate, ...(core !== undefined && { core }) }
  const isWanted = options.only?.includes('postgres') ?? true
  progress('filling PostgreSQL')
  const database = isWanted ? await openPostgres(context) : undefined
  if (!database) print('No PostgreSQL was asked: none runs here, or --only leaves it out.')
  try {
    progress('filling Twinward')
    const peer = await startQueryTwinward(context)
    try {
      await measure(peer, database, { chosen, options })
    } finally {
      await peer.stop()
    }
  } finally {
    await database?.close()
  }
}

interface Wanted {
  readonly chosen: readonly Question[]
  readonly options: Options
}

async function measure(
  peer: Peer,
  database: PostgresStores | undefined,
  { chosen, options }: Wanted,
): Promise<void> {
  const startedMs = performance.now()
  progress('waiting for Twinward to have looked at every device')
  await quiet(peer.pids, QUIET_DEADLINE_MS)
  const devices = await connectModules(peer)
  const twinward = twinwardQueries(peer)
  const stores = [twinward, ...(database?.stores ?? [])]
  try {
    for (const question of chosen) await compareAnswers(stores, question)
    print(`## Queries over ${formatCount(FLEET_DEVICES)} module twins`)
    printAnswers(stores, await takeTurns(stores, { chosen, options }))
    print(
      'Bare SQL: over its own protocol, without TLS. PostgreSQL, HTTPS: a Fastify service in front. ' +
        `Pinned to core ${SERVER_CORE}: Twinward; ${database?.pinning ?? ''}.`,
    )
    await measureReports(devices, twinward, options)
  } finally {
    twinward.close()
    await devices.close()
  }
  if (performance.now() - startedMs > SWEEP_MS) {
    print(
      'This took so long that Twinward looked at every posture meanwhile: no basis for a claim.',
    )
  }
}

/** @throws {Error} when the stores do not answer the same */
async function compareAnswers(stores: readonly QueryStore[], question: Question): Promise<void> {
  const answers = new Map<string, string>()
  for (const store of stores) {
    const rows = await store.ask(question, fleetDeviceId(4_711))
    if (rows.length !== question.rows) {
      throw new Error(`${store.name} answers ${question.name} with ${rows.length} rows.`)
    }
    answers.set(store.name, JSON.stringify(rows.map(comparable).toSorted()))
  }
  if (new Set(answers.values()).size > 1) {
    const shown = [...answers].map(([name, text]) => `${name} ${text.slice(0, 200)}`)
    throw new Error(`${question.name} has different answers: ${shown.join('; ')}`)
  }
}

/** Whom a row is about, or its numbers, whatever else the store says about it. */
function comparable(row: unknown): string {
  const { deviceId, device_id: id, n, version, mean } = row as Record<string, unknown>
  if (n !== undefined) return `${typeof version === 'string' ? version : ''} ${n}`
  if (mean !== undefined) return Number(mean).toFixed(6)
  return String(deviceId ?? id)
}

/** Of each question, by store: the time of one answer in each round, in ms. */
type Times = ReadonlyMap<Question, ReadonlyMap<QueryStore, readonly number[]>>

async function takeTurns(
  stores: readonly QueryStore[],
  { chosen, options }: Wanted,
): Promise<Times> {
  const times = new Map(
    chosen.map((question) => [question, new Map(stores.map((store) => [store, [] as number[]]))]),
  )
  for (let round = 1; round <= options.rounds; round++) {
    for (const [question, byStore] of times) {
      for (const [store, own] of byStore) {
        const ms = await timeOne(store, question, options.seconds * 1_000 * ASK_SHARE)
        own.push(ms)
        progress(`${question.name} round ${round}: ${store.name} ${formatMs(ms)} ms`)
      }
    }
  }
  return times
}

/** The median time of one answer, asked again and again for `forMs`. */
async function timeOne(store: QueryStore, question: Question, forMs: number): Promise<number> {
  const times: number[] = []
  const until = performance.now() + forMs
  do {
    const index = (times.length * 7_919) % FLEET_DEVICES
    const began = performance.now()
    await store.ask(question, fleetDeviceId(index))
    times.push(performance.now() - began)
  } while (performance.now() < until)
  return median(times)
}

function printAnswers(stores: readonly QueryStore[], times: Times): void {
  const rows = [...times].map(([{ title }, byStore]) => {
    const [own = [], ...others] = [...byStore.values()]
    const cells = [own, ...others].flatMap((ms) => [
      formatMs(median(ms)),
      formatPercent(spread(ms)),
    ])
    return [title, ...cells, ...others.map((other) => formatRatio(pairedRatio(other, own)))]
  })
  const [, ...others] = stores
  const columns = stores.flatMap(({ title }) => [`${title}, ms`, '±'])
  const versus = others.map(({ name }) => `times as fast as ${name}`)
  print(renderTable(['query', ...columns, ...versus], rows))
}

/** Reported patches alone, and while one service asks for what has no index, without a pause. */
async function measureReports(
  devices: LoadDriver,
  twinward: QueryStore,
  { rounds, seconds }: Options,
): Promise<void> {
  const scan = questions.find(({ name }) => name === 'count')
  if (!scan) throw new Error('There is no question without an index.')
  const run = { warmUpMs: seconds * 500, measureMs: seconds * 1_000 }
  const alone: Measured[] = []
  const beside: Measured[] = []
  let scans = 0
  for (let round = 1; round <= Math.min(rounds, 3); round++) {
    alone.push(await devices.measureUndisturbed(run))
    const asking = new AbortController()
    const asked = askUntil(asking.signal, twinward, scan)
    beside.push(await devices.measureUndisturbed(run))
    asking.abort()
    scans += await asked
    progress(`reported patches round ${round}`)
  }
  print(`### ${CONNECTED_MODULES} modules that report, one patch in flight each`)
  const head = ['while', 'patches/s', 'p50 ms', 'p99 ms', 'longest ms', 'server CPU', 'load CPU']
  print(renderTable(head, [row('nobody asks', alone), row('one service counts', beside)]))
  print(`${scans} scans were answered meanwhile.`)
}

async function askUntil(
  signal: AbortSignal,
  store: QueryStore,
  question: Question,
): Promise<number> {
  let asked = 0
  while (!signal.aborted) {
    await store.ask(question, '')
    asked++
  }
  return asked
}

function row(name: string, all: readonly Measured[]): string[] {
  const middle = (pick: (one: Measured) => number) => median(all.map(pick))
  return [
    name,
    formatCount(middle((one) => one.perSecond)),
    formatMs(middle((one) => one.p50Ms)),
    formatMs(middle((one) => one.p99Ms)),
    formatMs(middle((one) => one.maxMs)),
    formatPercent(middle((one) => one.serverCpu)),
    formatPercent(middle((one) => one.loadCpu)),
  ]
}
