import type { JsonObject } from '@twinward/protocol'
import type { LocalUser, SecurityRecord, UsersRecord } from '../ingestion/record.ts'
import { ofRecord } from './explain/conditions.ts'
import { matchRecord } from './record-match.ts'
import type { AlertType, Match, Rule, RuleMemory } from './rule.ts'

/** Users of one device whose groups are remembered; the others are not compared. */
export const MAX_USERS = 128
/** Groups remembered of one user. */
export const MAX_GROUPS = 16
const MAX_NAME_CHARACTERS = 32
/** Changes named in one alert; the count says how many there were. */
const MAX_NAMED = 5

/** What is different between two snapshots of a device's users. */
export interface UserChanges {
  /** `bob → sudo`, the user's own group left out. */
  readonly joined: readonly string[]
  readonly left: readonly string[]
  readonly gone: readonly string[]
}

const MEMORY = 'LocalUsers'
/** Three rules ask about the same snapshot, and the first to ask moves the memory on. */
const computed = new WeakMap<SecurityRecord, UserChanges | undefined>()

/** A rule on one of the differences between consecutive snapshots. The first never matches. */
export function usersRule(type: AlertType, part: keyof UserChanges, seen: string): Rule {
  return {
    type,
    kinds: ['users'],
    conditions: ofRecord<UsersRecord>(
      ['users'],
      [
        ['another snapshot of the users came before', (_, memory) => !!memory.get(MEMORY)],
        ['that one is not newer', ({ header }, memory) => !isStale(memory, header.timeMs)],
      ],
      `${seen} that was not so in the one before`,
      (_, memory) => `${storedGroups(memory.get(MEMORY) ?? {}).size} users in the one before`,
    ),
    evaluate({ record }, memory) {
      if (record.kind !== 'users') return undefined
      const changes = changesOf(record, memory)?.[part] ?? []
      return changes.length === 0 ? undefined : matchUsers(record, changes, seen)
    },
  }
}

function matchUsers(record: UsersRecord, changes: readonly string[], seen: string): Match {
  const named = changes.slice(0, MAX_NAMED)
  const more = changes.length > named.length ? ` and ${changes.length - named.length} more` : ''
  const names = [...new Set(named.map((change) => change.split(' → ')[0] ?? ''))]
  return matchRecord(record, {
    key: names.join(','),
    seen,
    detail: `${named.join(', ')}${more}`,
    entities: names.map((name) => ({ type: 'account', name })),
    properties: { 'User Names': names.join(', '), Changes: `${named.join(', ')}${more}` },
  })
}

type Groups = ReadonlyMap<string, readonly string[]>

function changesOf(record: UsersRecord, memory: RuleMemory): UserChanges | undefined {
  if (computed.has(record)) return computed.get(record)
  const { timeMs } = record.header
  const before = memory.get(MEMORY)
  const isOld = isStale(memory, timeMs)
  const now = groupsOf(record.users)
  if (!isOld)
    memory.set(MEMORY, { timeMs, users: [...now].map(([name, list]) => [name, [...list]]) })
  const changes = before && !isOld ? compare(storedGroups(before), now, record) : undefined
  computed.set(record, changes)
  return changes
}

function isStale(memory: RuleMemory, timeMs: number): boolean {
  const before = memory.get(MEMORY)?.timeMs
  return typeof before === 'number' && before > timeMs
}

function compare(before: Groups, now: Groups, { users }: UsersRecord): UserChanges {
  const present = new Set(users.map(({ name }) => name.slice(0, MAX_NAME_CHARACTERS)))
  const joined: string[] = []
  const left: string[] = []
  for (const [name, groups] of now) {
    const old = before.get(name)
    // Beyond what is remembered, an unknown user may be an old one.
    if (old === undefined && before.size >= MAX_USERS) continue
    const own = (group: string) => old === undefined && group === name
    joined.push(...groups.filter((each) => !old?.includes(each) && !own(each)).map(changeOf(name)))
    left.push(...(old ?? []).filter((each) => !groups.includes(each)).map(changeOf(name)))
  }
  const gone = [...before.keys()].filter((name) => !present.has(name))
  return { joined, left, gone }
}

function changeOf(name: string): (group: string) => string {
  return (group) => `${name} → ${group}`
}

function groupsOf(users: readonly LocalUser[]): Groups {
  return new Map(
    users.slice(0, MAX_USERS).map(({ name, groups }) => [
      name.slice(0, MAX_NAME_CHARACTERS),
      groups
        .slice(0, MAX_GROUPS)
        .map((group) => group.slice(0, MAX_NAME_CHARACTERS))
        .sort(),
    ]),
  )
}

function storedGroups({ users }: JsonObject): Groups {
  return new Map(Array.isArray(users) ? (users as unknown as [string, string[]][]) : [])
}
