import type { LoginRecord } from '../../ingestion/record.ts'
import { ofRecord } from '../explain/conditions.ts'
import { isLocalLogin } from '../login-source.ts'
import { matchLogin } from '../record-match.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 7,
  // Spelled as published.
  alertType: 'IoT_SucessfulLocalLogin',
  displayName: 'Successful local login',
  severity: 'High',
  intent: 'InitialAccess',
  description:
    'Somebody signed in at the device itself: at its console, a serial line or a keyboard. On a ' +
    'device that nobody sits at, this means that somebody is there.',
  remediationSteps: [
    'Check whether the user is entitled, and whether maintenance was planned for this time.',
    'Ask the user named in this alert whether it was them.',
    'If not, have somebody look at the device and its place, and change its passwords.',
    'Read what was run since the login, and hand over to your security team when it cannot be explained.',
  ],
  techniques: ['T1078.003'],
}

/** A login without a remote address, other than by cron, su and sudo. */
export const successfulLocalLogin: Rule = {
  type,
  kinds: ['login'],
  conditions: ofRecord<LoginRecord>(
    ['login'],
    [
      ['a login succeeds', ({ result }) => result === 'success'],
      ['it has no remote address', ({ remoteAddress }) => remoteAddress === ''],
    ],
    'a person signed in: at a terminal, or by a program other than cron, su, sudo or a network service',
  ),
  evaluate({ record }) {
    if (record.kind !== 'login' || record.result !== 'success' || !isLocalLogin(record))
      return undefined
    return matchLogin(record, record.user || record.uid, 'somebody signed in at the device')
  },
}
