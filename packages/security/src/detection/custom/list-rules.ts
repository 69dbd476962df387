import { isIP } from 'node:net'
import type { AllowlistRuleName, DenylistRuleName } from '../../groups/rule-types.ts'
import type { AllowlistRule, DenylistRule } from '../../groups/security-group.ts'
import type {
  ConnectionRecord,
  DnsRecord,
  LoginRecord,
  ProcessRecord,
  SecurityRecord,
} from '../../ingestion/record.ts'
import { accountEntity } from '../command-rule.ts'
import { matchConnection } from '../connection-match.ts'
import { ofConnection, ofRecord } from '../explain/conditions.ts'
import { matchLogin, matchRecord } from '../record-match.ts'
import type { AnalysedRecord, Match, Rule } from '../rule.ts'
import { canonicalAddress, isLoopbackAddress } from '../sets/addresses.ts'
import { NetworkSet } from '../sets/networks.ts'
import { customAlertType } from './custom-type.ts'

/** An allow list as a rule on records: what is not on it raises the alert, one per value. */
export function allowlistRule({ ruleType, allowlistValues }: AllowlistRule): Rule {
  return rule(ruleType, ALLOWED[ruleType](allowlistValues))
}

/** A deny list as a rule on records: what is on it raises the alert, one per value. */
export function denylistRule({ ruleType, denylistValues }: DenylistRule): Rule {
  return rule(ruleType, DENIED[ruleType](denylistValues))
}

type Evaluate = (analysed: AnalysedRecord) => Match | undefined
type Reading = Pick<Rule, 'kinds' | 'conditions'> & { readonly evaluate: Evaluate }
type MakeReading = (values: readonly string[]) => Reading

function rule(ruleType: string, reading: Reading): Rule {
  return { type: customAlertType(ruleType), ...reading }
}

/** What is left for a rule to find, when its list is asked. */
const LISTED = 'the list of the security group does not let it pass'

const ALLOWED: { readonly [name in AllowlistRuleName]: MakeReading } = {
  ConnectionToIpNotAllowed: (values) => foreignConnection('out', values),
  ConnectionFromIpNotAllowed: (values) => foreignConnection('in', values),
  LocalUserNotAllowed(values) {
    const allowed = new Set(values)
    return login((user) => (allowed.has(user) ? undefined : 'a user who is not allowed signed in'))
  },
  ProcessNotAllowed(values) {
    const allowed = new ProgramSet(values)
    return started((exe) =>
      allowed.has(exe) ? undefined : 'a program that is not allowed was started',
    )
  },
}

const DENIED: { readonly [name in DenylistRuleName]: MakeReading } = {
  ConnectionToIpDenied: (values) => deniedConnection('out', values),
  ConnectionFromIpDenied: (values) => deniedConnection('in', values),
  DomainNameDenied: deniedDomain,
  LocalUserDenied(values) {
    const denied = new Set(values)
    return login((user) => (denied.has(user) ? 'a denied user signed in' : undefined))
  },
  ProcessDenied(values) {
    const denied = new ProgramSet(values)
    return started((exe) => (denied.has(exe) ? 'a denied program was started' : undefined))
  },
}

type Direction = 'in' | 'out'

/** What a device says to itself leaves it neither way, so no list needs to name it. */
function foreignConnection(direction: Direction, values: readonly string[]): Reading {
  const allowed = new NetworkSet(values)
  const end = direction === 'out' ? 'to' : 'from'
  return connection(direction, (address) =>
    isLoopbackAddress(address) || allowed.find(address) !== undefined
      ? undefined
      : `a connection ${end} an address in none of the allowed networks`,
  )
}

function deniedConnection(direction: Direction, values: readonly string[]): Reading {
  const denied = new NetworkSet(values)
  const end = direction === 'out' ? 'to' : 'from'
  return connection(direction, (address) => {
    const network = denied.find(address)
    return network && `a connection ${end} the denied network ${network}`
  })
}

/** @param judge  what is wrong with a canonical address, as a clause */
function connection(direction: Direction, judge: (address: string) => string | undefined): Reading {
  const goes = direction === 'out' ? 'the device connects to somebody' : 'somebody connects to it'
  return {
    kinds: ['conn'],
    conditions: ofConnection(
      [
        [goes, (record) => record.direction === direction],
        ['the other end has an address', (record) => remoteOf(record) !== undefined],
      ],
      LISTED,
    ),
    evaluate({ record }) {
      if (record.kind !== 'conn' || record.direction !== direction) return undefined
      const address = remoteOf(record)
      const seen = address && judge(address)
      return address && seen ? matchConnection(record, address, seen) : undefined
    },
  }
}

/** Canonical; `undefined` for a socket that has no other end yet. */
function remoteOf({ remoteAddress }: ConnectionRecord): string | undefined {
  const address = canonicalAddress(remoteAddress)
  const isNone = address === '0.0.0.0' || address === '::'
  return isIP(address) === 0 || isNone ? undefined : address
}

function deniedDomain(values: readonly string[]): Reading {
  const denied = new Set(values)
  return {
    kinds: ['dns', 'conn'],
    conditions: ofRecord<DnsRecord | ConnectionRecord>(
      ['dns', 'conn'],
      [['a domain is named', (record) => domainOf(record) !== '']],
      LISTED,
    ),
    evaluate({ record }) {
      const name = domainOf(record)
      const found = name === '' ? undefined : domainAmong(denied, name)
      if (found === undefined) return undefined
      return matchRecord(record, {
        key: name.toLowerCase(),
        seen: `${found} is on the deny list`,
        detail: name,
        entities: [{ type: 'host', hostName: name }],
        properties: { 'Domain Name': name, 'Denied Domain': found },
      })
    },
  }
}

function domainOf(record: SecurityRecord): string {
  return record.kind === 'dns' ? record.name : record.kind === 'conn' ? (record.host ?? '') : ''
}

/** Labels of a name that are tried; a longer one is looked for from its end. */
const MAX_LABELS = 20

/** The name itself or a domain above it. */
function domainAmong(domains: ReadonlySet<string>, name: string): string | undefined {
  const labels = name.toLowerCase().replace(/\.$/, '').split('.').slice(-MAX_LABELS)
  for (let at = 0; at < labels.length; at++) {
    const domain = labels.slice(at).join('.')
    if (domains.has(domain)) return domain
  }
  return undefined
}

/** @param judge  what is wrong with a user who signed in, as a clause */
function login(judge: (user: string) => string | undefined): Reading {
  return {
    kinds: ['login'],
    conditions: ofRecord<LoginRecord>(
      ['login'],
      [
        ['somebody signs in', ({ result }) => result === 'success'],
        ['the user is named', (record) => nameOf(record) !== ''],
      ],
      LISTED,
    ),
    evaluate({ record }) {
      if (record.kind !== 'login' || record.result !== 'success') return undefined
      const user = nameOf(record)
      const seen = user === '' ? undefined : judge(user)
      return seen === undefined ? undefined : matchLogin(record, user, seen)
    },
  }
}

/** Some agents tell only the number. */
function nameOf({ user, uid }: LoginRecord): string {
  return user || uid
}

/** @param judge  what is wrong with a program that was started, as a clause */
function started(judge: (exe: string) => string | undefined): Reading {
  return {
    kinds: ['proc'],
    conditions: [
      {
        says: 'a process is started',
        kinds: ['proc'],
        holds: ({ record }) => record.kind === 'proc' && record.type === 'exec',
      },
      {
        says: 'its program is known',
        kinds: ['proc'],
        holds: (analysed) => programOf(analysed) !== '',
      },
      { says: LISTED, kinds: ['proc'] },
    ],
    evaluate(analysed) {
      const { record } = analysed
      if (record.kind !== 'proc' || record.type !== 'exec') return undefined
      const exe = programOf(analysed)
      const seen = exe === '' ? undefined : judge(exe)
      return seen === undefined ? undefined : matchProcess(record, exe, seen)
    },
  }
}

function programOf({ record, command }: AnalysedRecord): string {
  return (record.kind === 'proc' && record.exe) || (command?.segments[0]?.path ?? '')
}

function matchProcess(record: ProcessRecord, exe: string, seen: string): Match {
  const { cmd, user, uid, pid, ppid } = record
  const process = { processId: String(pid), parentProcessId: String(ppid), imageFile: exe }
  return matchRecord(record, {
    key: exe,
    seen,
    detail: cmd === '' ? exe : `${exe}: ${cmd}`,
    entities: [{ type: 'process', ...process, commandLine: cmd }, accountEntity(user, uid)],
    properties: {
      Executable: exe,
      CommandLine: cmd,
      'User Name': user,
      UserId: uid,
      ParentProcessId: String(ppid),
    },
  })
}

/** Programs by name, in whatever directory, or by whole path where an entry has one. */
class ProgramSet {
  readonly #names = new Set<string>()
  readonly #paths = new Set<string>()

  constructor(entries: readonly string[]) {
    for (const entry of entries) {
      if (isPath(entry)) this.#paths.add(entry)
      else this.#names.add(programName(entry))
    }
  }

  has(exe: string): boolean {
    return this.#paths.has(exe) || this.#names.has(programName(exe))
  }
}

function isPath(text: string): boolean {
  return text.includes('/') || text.includes('\\')
}

/** Of Windows without case and `.exe`; elsewhere case tells programs apart. */
function programName(path: string): string {
  const slash = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  const name = path.slice(slash + 1)
  return /\.exe$/i.test(name) ? name.slice(0, -4).toLowerCase() : name
}
