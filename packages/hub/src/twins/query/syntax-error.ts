import { HubError } from '@twinward/protocol'

/**
 * `info.position` is the place for programs.
 *
 * @param at  offset in the query, from 0; people count from 1
 */
export function syntaxError(at: number, problem: string): HubError {
  const text = `The query is wrong at character ${at + 1}: ${problem}.`
  return new HubError('ArgumentInvalid', text, { info: { position: at + 1 } })
}
