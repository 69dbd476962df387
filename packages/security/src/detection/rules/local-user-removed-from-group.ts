import { HAND_OVER } from '../advice.ts'
import { usersRule } from '../local-users.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 46,
  // Its type was never published; this name is ours.
  alertType: 'IoT_LocalUserRemovedFromGroup',
  displayName: 'Local user removed from group',
  severity: 'Low',
  intent: 'Impact',
  description:
    'Between two snapshots of its users, an account of the device left a group. It may have been ' +
    'locked out of what it is there for, which intruders do to keep administrators away.',
  remediationSteps: [
    'Check that the change fits what the person is to do, and who made it.',
    'Check that administrators can still do their work on this device.',
    HAND_OVER,
  ],
  techniques: ['T1531'],
}

/** A membership that the snapshot before still had. */
export const localUserRemovedFromGroup: Rule = usersRule(type, 'left', 'a user left a group')
