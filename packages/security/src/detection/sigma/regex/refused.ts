import { HubError } from '@twinward/protocol'

/** @param why  a clause, without its full stop */
export function refused(why: string): HubError {
  return new HubError('ArgumentInvalid', `The regular expression cannot be used: ${why}.`)
}
