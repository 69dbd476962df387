import type { GroupSettings } from '../../groups/group-settings.ts'
import type { LoginRecord } from '../../ingestion/record.ts'
import { ofRecord } from '../explain/conditions.ts'
import { isLocalLogin } from '../login-source.ts'
import { matchLogin } from '../record-match.ts'
import type { AlertType, Rule, RuleMemory } from '../rule.ts'

const type: AlertType = {
  number: 24,
  alertType: 'IoT_FailedLocalLogin',
  displayName: 'Failed local login',
  severity: 'Medium',
  intent: 'CredentialAccess',
  description:
    'Somebody tried in vain to sign in at the device itself: at its console, a serial line or a ' +
    'keyboard. Often a slip; without a planned visit, somebody is there who should not be.',
  remediationSteps: [
    'Check whether maintenance was planned for this time.',
    'If not, have somebody look at the device and its place: nobody without a right should get near it.',
    'Look for further attempts here and at neighbouring devices; a success raises an alert of its own.',
  ],
  techniques: ['T1110', 'T1078.003'],
}

const MEMORY = 'IoT_FailedLocalLogin'

/**
 * Failed logins without a remote address: as many within as long as the security group says. Without
 * a group the first one counts, as with the published rule.
 */
export const failedLocalLogin: Rule = {
  type,
  kinds: ['login'],
  conditions: ofRecord<LoginRecord>(
    ['login'],
    [
      ['a login failed', ({ result }) => result === 'fail'],
      ['it was one at the device, and of a person', isLocalLogin],
    ],
    'as many failed as the security group says, within its window',
    (_, memory) => `failures remembered: ${failuresIn(memory).length}`,
  ),
  evaluate({ record }, memory, { failedLogins }) {
    if (record.kind !== 'login' || record.result !== 'fail' || !isLocalLogin(record))
      return undefined
    const { threshold } = failedLogins
    if (threshold > 1 && !isReached(record, memory, failedLogins)) return undefined
    const seen = threshold > 1 ? `${threshold} logins at the device failed` : ONE_FAILED
    return matchLogin(record, record.user || record.uid, seen)
  },
}

const ONE_FAILED = 'a login at the device failed'

function failuresIn(memory: RuleMemory): readonly number[] {
  const stored = memory.get(MEMORY)?.failuresMs
  return Array.isArray(stored) ? stored.map(Number) : []
}

/** Notes a failure of any user: who guesses tries several. */
function isReached(
  { header, hits }: LoginRecord,
  memory: RuleMemory,
  { threshold, windowMs }: GroupSettings['failedLogins'],
): boolean {
  const before = failuresIn(memory)
  // An aggregate counts each of its failures, as far as they decide.
  const times = new Array<number>(Math.min(hits, threshold)).fill(header.timeMs)
  const failuresMs = [...before, ...times].sort((a, b) => a - b).slice(-threshold)
  memory.set(MEMORY, { failuresMs })
  const [oldest = 0] = failuresMs
  return failuresMs.length === threshold && (failuresMs.at(-1) ?? 0) - oldest <= windowMs
}
