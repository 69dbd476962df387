import { HubError } from '@twinward/protocol'
import { MAX_PAGE_ITEMS } from './finding-limits.ts'

/** The lists that come in pages; a token of one is not a token of another. */
export type ListName =
  | 'alertDevices'
  | 'alerts'
  | 'baselines'
  | 'baseline-failures'
  | 'group-scores'
  | 'custom-checks'
  | 'configurations'
  | 'dead-letters'
  | 'group-devices'
  | 'indicators'
  | 'recommendations'
  | 'rejections'
  | 'modules'
  | 'tombstones'
  | 'vulnerabilities'

/**
 * Where a page ended: its last item, so that what arrives in between shifts nothing. `order` is the
 * item's time in ms, `id` orders those of the same ms. A rejection's order is its number, its id ''; so is that of a change of configuration.
 */
export interface Place {
  readonly order: number
  readonly id: string
}

/** Ids are up to about 200 characters; anything much longer is not looked at. */
const MAX_TOKEN_CHARACTERS = 2_048

export function formatPageToken(list: ListName, { order, id }: Place): string {
  return Buffer.from(JSON.stringify([list, order, id])).toString('base64url')
}

/** @throws {HubError} `ArgumentInvalid` for whatever `formatPageToken` did not make for this list */
export function parsePageToken(list: ListName, token: string): Place {
  if (token.length <= MAX_TOKEN_CHARACTERS) {
    const place = readPlace(Buffer.from(token, 'base64url').toString('utf8'))
    // Decoding forgives what it does not know; only our own spelling comes out as it went in.
    if (place && formatPageToken(list, place) === token) return place
  }
  throw new HubError('ArgumentInvalid', 'The continuation token is not one of this list.')
}

/** @throws {HubError} `ArgumentInvalid` unless it is an integer from 1 to `MAX_PAGE_ITEMS` */
export function checkLimit(limit: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= MAX_PAGE_ITEMS) return
  throw new HubError('ArgumentInvalid', `The limit must be between 1 and ${MAX_PAGE_ITEMS}.`)
}

function readPlace(json: string): Place | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  if (!Array.isArray(value)) return undefined
  const [, order, id] = value as unknown[]
  return Number.isSafeInteger(order) && typeof id === 'string'
    ? { order: order as number, id }
    : undefined
}
