import { HubError } from '@twinward/protocol'

/** @param at  offset in the query, from 0; people count from 1 */
export function syntaxError(at: number, problem: string): HubError {
  return new HubError('ArgumentInvalid', `The query is wrong at character ${at + 1}: ${problem}.`)
}
