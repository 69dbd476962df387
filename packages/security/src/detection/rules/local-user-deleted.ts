import { HAND_OVER } from '../advice.ts'
import { usersRule } from '../local-users.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 47,
  // Its type was never published; this name is ours.
  alertType: 'IoT_LocalUserDeleted',
  displayName: 'Local user deleted',
  severity: 'Low',
  intent: 'Impact',
  description:
    'Between two snapshots of its users, an account of the device disappeared. Intruders delete the ' +
    'accounts that they made, and sometimes those of others.',
  remediationSteps: [
    'Check that the change fits what the person is to do, and who made it.',
    'Check whether the account was yours; if nobody knows it, read when it was made and what it ran.',
    HAND_OVER,
  ],
  techniques: ['T1531', 'T1070'],
}

/** A user that the snapshot before still had. */
export const localUserDeleted: Rule = usersRule(type, 'gone', 'a user is gone')
