import type { JsonObject } from '@twinward/protocol'
import type { LoginRecord } from '../ingestion/record.ts'
import { baseName } from './sets/base-name.ts'

/** So many failures … */
export const MIN_FAILURES = 10
/** … from one place within this time are somebody who guesses. */
export const FAILURE_WINDOW_MS = 10 * 60_000
/** Places remembered of one device; beyond, the one heard of longest ago is forgotten. */
export const MAX_SOURCES = 32
/** Users remembered of one place. */
const MAX_USERS = 8
const MAX_NAME_CHARACTERS = 64

/** Failures from one address, or of one user when there is no address. */
export interface LoginSource {
  readonly source: string
  readonly address: string
  readonly users: readonly string[]
  /** Times of the newest failures, at most `MIN_FAILURES`. */
  readonly failuresMs: readonly number[]
  /** Event of the newest failure. */
  readonly eventId: string
  /** Whether so many ever failed within the window. */
  readonly isGuessing: boolean
}

export function sourceOf({ remoteAddress, user, uid }: LoginRecord): string {
  const text = remoteAddress === '' ? `user ${user || uid}` : remoteAddress
  return text.slice(0, MAX_NAME_CHARACTERS)
}

/** The sources after a failure; pure. */
export function addFailure(
  sources: readonly LoginSource[],
  record: LoginRecord,
): readonly LoginSource[] {
  const { header, hits, user, uid, remoteAddress } = record
  const source = sourceOf(record)
  const before = sources.find((each) => each.source === source)
  // An aggregate counts each of its failures, as far as they decide.
  const times = new Array<number>(Math.min(hits, MIN_FAILURES)).fill(header.timeMs)
  const failuresMs = [...(before?.failuresMs ?? []), ...times]
    .sort((a, b) => a - b)
    .slice(-MIN_FAILURES)
  const [oldest = 0] = failuresMs
  const newest = failuresMs.at(-1) ?? 0
  const isFull = failuresMs.length === MIN_FAILURES && newest - oldest <= FAILURE_WINDOW_MS
  const name = (user || uid).slice(0, MAX_NAME_CHARACTERS)
  const users = [...new Set([...(before?.users ?? []), name])].slice(-MAX_USERS)
  const after: LoginSource = {
    source,
    address: remoteAddress.slice(0, MAX_NAME_CHARACTERS),
    users,
    failuresMs,
    eventId: header.eventId,
    isGuessing: isFull || before?.isGuessing === true,
  }
  return [...sources.filter((each) => each !== before), after].slice(-MAX_SOURCES)
}

export function loginSources(stored: JsonObject | undefined): readonly LoginSource[] {
  return Array.isArray(stored?.sources) ? (stored.sources as unknown as LoginSource[]) : []
}

export function storedSources(sources: readonly LoginSource[]): JsonObject {
  return {
    sources: sources.map((each) => ({
      ...each,
      users: [...each.users],
      failuresMs: [...each.failuresMs],
    })),
  }
}

/** How many failures of a place are remembered, for a person. */
export function tellFailures(source: LoginSource | undefined): string {
  if (!source) return 'no failure is remembered'
  const { failuresMs, isGuessing } = source
  return isGuessing
    ? `${source.source}: ${MIN_FAILURES} or more failures within ten minutes`
    : `${source.source}: ${failuresMs.length} of ${MIN_FAILURES} failures so far`
}

/** What opens sessions without a person. */
const NOBODY: ReadonlySet<string> = new Set([
  ...['cron', 'crond', 'atd', 'su', 'sudo', 'systemd', 'runuser', 'polkit-agent-helper-1', 'doas'],
])

/** Services that only others reach; without an address the agent did not say from where. */
const REMOTE: ReadonlySet<string> = new Set([
  ...['sshd', 'sshd-session', 'dropbear', 'telnetd', 'in.telnetd', 'vsftpd', 'proftpd', 'smbd'],
])

/** Whether somebody stood at the device: no remote address, and a terminal or a login of a person. */
export function isLocalLogin({
  remoteAddress,
  terminal = '',
  exe,
  operation,
}: LoginRecord): boolean {
  if (remoteAddress !== '') return false
  if (terminal.startsWith('tty') || terminal === 'console') return true
  const program = baseName(exe)
  return !NOBODY.has(program) && !REMOTE.has(program) && !NOBODY.has(operation.toLowerCase())
}
