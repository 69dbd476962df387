import { mkdtempSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openSecurityDatabase, SqliteFindingStore } from '@twinward/security'
import type { Command } from '../../packages/security/src/detection/command/command.ts'
import {
  evaluateRecords,
  type Finding,
  withCommand,
} from '../../packages/security/src/detection/evaluate.ts'
import { FindingEvaluator } from '../../packages/security/src/detection/evaluator.ts'
import type { AnalysedRecord, Rule } from '../../packages/security/src/detection/rule.ts'
import { builtInRules } from '../../packages/security/src/detection/rules/index.ts'
import type { CompiledRule } from '../../packages/security/src/detection/sigma/compile.ts'
import { SigmaRuleSet } from '../../packages/security/src/detection/sigma/sigma-rule-set.ts'
import { NO_GROUPS } from '../../packages/security/src/groups/group-lookup.ts'
import type { IngestedMessage } from '../../packages/security/src/ingestion/pipeline.ts'
import type { SecurityRecord } from '../../packages/security/src/ingestion/record.ts'
import { silentLog } from '../../packages/security/src/log.ts'
import { corpusLines } from '../../packages/security/test/detection-figures.ts'
import { generatedSigma } from '../../packages/security/test/generated-sigma.ts'
import {
  connectionRecord,
  emptyMemory,
  header,
  processRecord,
} from '../../packages/security/test/records.ts'
import { compileAll } from '../../packages/security/test/sigma-vectors.ts'
import type { Options } from '../options.ts'
import { naiveRules } from '../peers/naive-rules.ts'
import { print, progress } from '../report.ts'
import { median, pairedRatio, spread } from '../statistics.ts'
import {
  formatCount,
  formatMiB,
  formatMs,
  formatPercent,
  formatRatio,
  renderTable,
} from '../table.ts'

const SIGMA_RULES = 200
/** Records of one message. */
const BATCH = 20
const HOSTILE_CHARACTERS = 8192
const DEVICES = 100_000
const MESSAGES_PER_STEP = 100
const EVENTS_PER_DEVICE = 8

/**
 * One way to judge records; it returns how many findings there were, so that nothing is left out.
 */
interface Way {
  readonly title: string
  judge(records: readonly SecurityRecord[]): number
}

/** All rules on ordinary and on hostile lines, and what the windows of 100,000 devices cost. */
export async function benchRules(options: Options, folder: string): Promise<void> {
  const compiled = compileAll(generatedSigma(SIGMA_RULES))
  const ways = waysOf(compiled)
  benchRates(ways, options)
  benchHostile(ways)
  await benchWindows(folder)
}

function waysOf(compiled: readonly CompiledRule[]): readonly Way[] {
  const rules = builtInRules()
  const set = new SigmaRuleSet(compiled)
  const sets = [set]
  const memory = emptyMemory()
  const naive = naiveRules(compiled)
  const evaluated =
    (own: readonly Rule[], withSets: boolean) => (records: readonly SecurityRecord[]) =>
      evaluateRecords(records, own, memory, withSets ? { sets } : {}).length
  return [
    { title: `${rules.length} built-in`, judge: evaluated(rules, false) },
    { title: `${rules.length} built-in + ${SIGMA_RULES} Sigma`, judge: evaluated(rules, true) },
    {
      title: `${SIGMA_RULES} Sigma`,
      judge: (records) =>
        records.reduce((sum, record) => sum + set.evaluate(lazily(record)).length, 0),
    },
    {
      title: `${SIGMA_RULES} Sigma, naive`,
      judge: (records) => records.reduce((sum, record) => sum + naive(record), 0),
    },
  ]
}

/** A command is analysed only when a rule holds, as the naive way does it. */
function lazily(record: SecurityRecord): AnalysedRecord {
  return {
    record,
    get command() {
      return withCommand(record).command as Command
    },
  }
}

/** Command lines of the corpus as started processes, with connections, files and logins between. */
function ordinaryRecords(): readonly SecurityRecord[] {
  return corpusLines().flatMap((cmd, at): readonly SecurityRecord[] => {
    const of = { eventId: `e${at}`, timeMs: 1_700_000_000_000 + at * 2000 }
    const exe = `/usr/bin/${cmd.split(/[ /]/)[0]}`
    const started = processRecord({ cmd, exe, user: 'root', uid: '0', pid: at, ppid: 1 }, of)
    if (at % 4 === 1) {
      const remoteAddress = `203.0.113.${at % 200}`
      return [started, connectionRecord({ cmd, exe, remoteAddress, remotePort: '443' }, of)]
    }
    if (at % 4 === 2) {
      const detail = { mask: ['Modified'], path: `/var/lib/app/${at}.db` }
      return [started, { kind: 'file', hits: 1, header: header(of), detail }]
    }
    return [started]
  })
}

function benchRates(ways: readonly Way[], { rounds, seconds }: Options): void {
  const records = ordinaryRecords()
  const batches = Array.from({ length: Math.ceil(records.length / BATCH) }, (_, at) =>
    records.slice(at * BATCH, (at + 1) * BATCH),
  )
  const rates = ways.map((): number[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [at, way] of ways.entries()) {
      rateOf(way, batches, seconds / 2)
      rates[at]?.push(rateOf(way, batches, seconds))
      progress(`${way.title}: ${formatCount(rates[at]?.at(-1) ?? 0)} records/s`)
    }
  }
  const naive = rates.at(-1) ?? []
  const rows = ways.map(({ title }, at) => {
    const own = rates[at] ?? []
    const ratio = at === 2 ? formatRatio(pairedRatio(own, naive)) : ''
    return [title, formatCount(median(own)), formatPercent(spread(own)), ratio]
  })
  print(`## Ordinary records through all rules (${formatCount(records.length)} records, one core)`)
  print(renderTable(['rules', 'records / CPU s', '±', 'to naive'], rows))
}

/** Per second of processor time, all threads. */
function rateOf(
  way: Way,
  batches: readonly (readonly SecurityRecord[])[],
  seconds: number,
): number {
  const endMs = performance.now() + seconds * 1000
  const before = process.cpuUsage()
  let records = 0
  while (performance.now() < endMs) {
    for (const batch of batches) {
      way.judge(batch)
      records += batch.length
    }
  }
  const { user, system } = process.cpuUsage(before)
  return records / ((user + system) / 1e6)
}

/** What has brought matchers down, and words of the rules themselves. */
const HOSTILE = [
  ...[
    'bash -c sh -c ',
    '"',
    '$(',
    '\\',
    'a',
    ' ',
    '/tmp/',
    '-c ',
    "sh -c 'eval ",
    'wget http://1.1.1.1 ',
  ],
  ...[
    ' -crypt-0',
    'shell-3 -a -b ',
    'proxy_4 ',
    'aW1wb3J0',
    '/tmp/x/crypt-',
    '💥',
    '1.',
    '--help ',
  ],
]

function benchHostile(ways: readonly Way[]): void {
  const lines = HOSTILE.map((piece) =>
    piece.repeat(HOSTILE_CHARACTERS / piece.length + 1).slice(0, HOSTILE_CHARACTERS),
  )
  const words = generatedSigma(SIGMA_RULES).replace(/[[\]{}',:\s]+/g, ' ')
  lines.push(words.slice(0, HOSTILE_CHARACTERS), words.slice(-HOSTILE_CHARACTERS))
  const rows = ways.map((way) => {
    const times = lines.map((line) => bestMs(way, line))
    const worst = Math.max(...times)
    const line = lines[times.indexOf(worst)] ?? ''
    return [way.title, formatMs(worst), formatMs(median(times)), JSON.stringify(line.slice(0, 20))]
  })
  print(`## Hostile records (${HOSTILE_CHARACTERS} characters in command, program and user)`)
  print(renderTable(['rules', 'worst ms', 'median ms', 'of'], rows))
}

function bestMs(way: Way, line: string): number {
  const record = processRecord({ cmd: line, exe: line, user: line, uid: line })
  let best = Number.POSITIVE_INFINITY
  for (let run = 0; run < 7; run++) {
    const startMs = performance.now()
    way.judge([record])
    best = Math.min(best, performance.now() - startMs)
  }
  return best
}

/** Devices that each failed logins, fetched files and changed some: every window has something. */
async function benchWindows(folder: string): Promise<void> {
  const own = mkdtempSync(join(folder, 'rules-'))
  const file = join(own, 'security.db')
  const database = await openSecurityDatabase({
    file,
    onFailure: (error) => progress(String(error)),
  })
  const findings = SqliteFindingStore.on(database)
  const rules = {
    alerts: builtInRules(),
    judge: {
      judge: async (finding: Finding) => ({ kind: 'raised' as const, finding }),
      groupOf: async () => '',
    },
    groups: NO_GROUPS,
    recommendations: [],
  }
  const evaluator = new FindingEvaluator({ findings, log: silentLog }, rules, () => {})
  const before = residentBytes()
  const startMs = performance.now()
  for (let at = 0; at < DEVICES; at += MESSAGES_PER_STEP) {
    const messages = Array.from({ length: MESSAGES_PER_STEP }, (_, offset) =>
      windowMessage(at + offset),
    )
    await evaluator.evaluate(messages, at + MESSAGES_PER_STEP)
  }
  const seconds = (performance.now() - startMs) / 1000
  const after = residentBytes()
  await findings.close()
  const bytes = statSync(file).size
  print(`## Windows of ${formatCount(DEVICES)} devices (${EVENTS_PER_DEVICE} events each)`)
  const row = [formatMiB(bytes), formatCount(bytes / DEVICES), formatMiB(after - before)]
  const rate = formatCount((DEVICES * EVENTS_PER_DEVICE) / seconds)
  const head = ['file', 'bytes / device', 'resident memory more', 'events / s, durable']
  print(renderTable(['', ...head], [['all windows', ...row, rate]]))
}

function residentBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().rss
}

/** Five failed logins from elsewhere, a download, and two changed files. */
function windowMessage(at: number): IngestedMessage {
  const ref = { deviceId: `device-${at}`, moduleId: 'azureiotsecurity' }
  const sequence = at + 1
  const timeMs = 1_700_000_000_000 + at
  const event = (name: string, payload: object, number: number) => ({
    header: header({ ref, sequence, name, timeMs, eventId: `e${at}-${number}` }),
    payload: [payload],
  })
  const failed = { Executable: '/usr/sbin/sshd', UserId: '0', UserName: 'root', Result: 'Failed' }
  const logins = Array.from({ length: 5 }, (_, number) =>
    event('Login', { ...failed, RemoteAddress: `203.0.113.${at % 200}`, Operation: 'ssh' }, number),
  )
  const started = (CommandLine: string, number: number) => {
    const ids = { ProcessId: number, ParentProcessId: 1, UserId: '0', UserName: 'root' }
    return event('ProcessCreate', { Executable: '/usr/bin/x', CommandLine, ...ids }, number)
  }
  const events = [
    ...logins,
    started(`wget http://example.com/f${at} -O /tmp/f${at}`, 6),
    started('uname -a', 7),
    started('id', 8),
  ]
  const decoded = { schema: '1.0', agentVersion: '0.0.6', agentId: 'a', events, rejections: [] }
  const message = { ref, sequence, enqueuedTimeMs: timeMs, body: new Uint8Array() }
  return { message, decoded } as unknown as IngestedMessage
}
