import { isLocalLogin } from '../login-source.ts'
import { matchLogin } from '../record-match.ts'
import type { AlertType, Rule } from '../rule.ts'

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

/** A failed login without a remote address; the first one counts, as with the published rule. */
export const failedLocalLogin: Rule = {
  type,
  kinds: ['login'],
  evaluate({ record }) {
    if (record.kind !== 'login' || record.result !== 'fail' || !isLocalLogin(record))
      return undefined
    return matchLogin(record, record.user || record.uid, 'a login at the device failed')
  },
}
