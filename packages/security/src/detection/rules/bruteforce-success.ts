import type { LoginRecord } from '../../ingestion/record.ts'
import { HAND_OVER } from '../advice.ts'
import { ofRecord } from '../explain/conditions.ts'
import {
  addFailure,
  type LoginSource,
  loginSources,
  sourceOf,
  storedSources,
  tellFailures,
} from '../login-source.ts'
import { matchRecord } from '../record-match.ts'
import type { AlertType, Rule, RuleMemory } from '../rule.ts'

/** How long after the last failure a success still is the fruit of guessing. */
export const SUCCESS_WINDOW_MS = 30 * 60_000

const type: AlertType = {
  number: 6,
  alertType: 'IoT_Bruteforce_Success',
  displayName: 'Successful brute force attempt',
  severity: 'High',
  intent: 'CredentialAccess',
  description:
    'Many logins from one place failed within minutes, and then one succeeded. Somebody probably ' +
    'guessed a password and is in.',
  remediationSteps: [
    'End the sessions from this address and block it.',
    'Ask the user whether it was them with a forgotten password.',
    'If not, change the passwords of all accounts of the device, and wherever they are the same.',
    'Read what was run since the login: new accounts, keys, cron entries, downloads.',
    'Let the device accept only keys, and only from the addresses of your administrators.',
    HAND_OVER,
  ],
  techniques: ['T1110.001', 'T1078'],
}

const MEMORY = 'IoT_Bruteforce_Success'

/** Ten failures from one place within ten minutes, and a success within half an hour. */
export const bruteforceSuccess: Rule = {
  type,
  kinds: ['login'],
  conditions: ofRecord<LoginRecord>(
    ['login'],
    [
      ['a login succeeds', ({ result }) => result === 'success'],
      ['logins from the same place failed before', (record, memory) => !!before(record, memory)],
    ],
    'ten of them failed within ten minutes, the last at most half an hour ago',
    (record, memory) => tellFailures(before(record, memory)),
  ),
  evaluate({ record }, memory) {
    if (record.kind !== 'login' || record.result === 'logout') return undefined
    const sources = loginSources(memory.get(MEMORY))
    if (record.result === 'fail') {
      memory.set(MEMORY, storedSources(addFailure(sources, record)))
      return undefined
    }
    const source = sources.find((each) => each.source === sourceOf(record))
    if (!source) return undefined
    memory.set(MEMORY, storedSources(sources.filter((each) => each !== source)))
    const { isGuessing, failuresMs, users } = source
    const sinceMs = record.header.timeMs - (failuresMs.at(-1) ?? 0)
    if (!isGuessing || sinceMs < 0 || sinceMs > SUCCESS_WINDOW_MS) return undefined
    return matchRecord(record, {
      key: source.source,
      seen: 'a login succeeds after many failures from the same place',
      detail: `${record.user || record.uid} from ${source.source}`,
      entities: [
        { type: 'account', name: record.user, userId: record.uid },
        ...(source.address === '' ? [] : [{ type: 'ip', address: source.address } as const]),
      ],
      properties: {
        'Full Source Address': source.address,
        'User Names': users.join(', '),
        'User Name': record.user,
      },
    })
  },
}

function before(record: LoginRecord, memory: RuleMemory): LoginSource | undefined {
  const source = sourceOf(record)
  return loginSources(memory.get(MEMORY)).find((each) => each.source === source)
}
