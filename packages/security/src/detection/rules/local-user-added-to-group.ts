import { HAND_OVER } from '../advice.ts'
import { usersRule } from '../local-users.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 45,
  // Its type was never published; this name is ours.
  alertType: 'IoT_LocalUserAddedToGroup',
  displayName: 'Local user added to group',
  severity: 'Low',
  intent: 'PrivilegeEscalation',
  description:
    'Between two snapshots of its users, an account of the device became a member of a group. Groups ' +
    'such as sudo, docker and disk make their members as strong as root.',
  remediationSteps: [
    'Check that the change fits what the person is to do, and who made it.',
    'Take the account out of the group when it does not need what the group may do.',
    HAND_OVER,
  ],
  techniques: ['T1098'],
}

/** A membership that the snapshot before did not have. */
export const localUserAddedToGroup: Rule = usersRule(type, 'joined', 'a user joined a group')
