/** Steps that the alerts of several rules share; each rule adds what is its own. */

export const ASK_WHO_RAN_IT =
  'Ask whoever works on this device whether they ran this command, and why.'
export const FIND_THE_WAY_IN =
  'If nobody did, read the logins and processes of the hour before to find how the command got in.'
export const HAND_OVER =
  'Change the credentials that lay on the device and hand over to your security team when it ' +
  'cannot be explained.'
export const ASK_WHETHER_PLANNED =
  'Check whether somebody planned this: an update, an installation, a visit for maintenance.'
export const LOOK_AT_THE_PLACE =
  'If not, have somebody look at the device and its place; whoever changed it may have been there.'
