import type { Hub } from '../../hub.ts'
import type { Right } from '../../registry/policies.ts'

/** Kept in front of what a reader's token was put for, so that no other path is like it. */
const READER_KEY = '//'

/** As Event Hubs' clients do it, or as IoT Hub's do, which expect to be sent on (04 §10). */
export type ReaderManner = 'event-hubs' | 'iot-hub'

/** A token of a connection, by what it was put for. */
export interface HeldToken {
  readonly text: string
  /** It stands for a policy's name and key, which SASL PLAIN has brought: Event Hubs' manner. */
  readonly isPolicyKey?: boolean
}

export interface ReaderProof {
  /** Of the token. */
  readonly key: string
  readonly manner: ReaderManner
  /** Throws when another token in its place does not prove it. */
  check(token: string): void
}

/** Under which the token of a reader is kept. @param path  below the entity, in lower case */
export function readerKey(path: readonly string[]): string {
  return `${READER_KEY}${path.join('/')}`
}

/**
 * Which of the tokens proves that events may be read there.
 *
 * @param path  below the entity, in lower case
 * @throws {HubError} why none does; `undefined`: there is none yet
 */
export function findReaderProof(
  { authenticator }: Hub,
  tokens: ReadonlyMap<string, HeldToken>,
  path: readonly string[],
  allOf: readonly Right[],
): ReaderProof | undefined {
  let refusal: unknown
  let proof: ReaderProof | undefined
  for (const [key, { text, isPolicyKey = false }] of tokens) {
    const isReaders = key.startsWith(READER_KEY)
    if (key.startsWith('/') && !isReaders) continue
    const check = (token: string) => checkToken(authenticator, isReaders, token, { path, allOf })
    try {
      check(text)
    } catch (thrown) {
      refusal = thrown
      continue
    }
    if (isReaders || isPolicyKey) return { key, manner: 'event-hubs', check }
    proof ??= { key, manner: 'iot-hub', check }
  }
  if (!proof && refusal) throw refusal
  return proof
}

interface Wanted {
  readonly path: readonly string[]
  readonly allOf: readonly Right[]
}

function checkToken(
  authenticator: Hub['authenticator'],
  isReaders: boolean,
  token: string,
  { path, allOf }: Wanted,
): void {
  if (isReaders) authenticator.reader(token, path, ...allOf)
  else for (const right of allOf) checkService(authenticator, token, path, right)
}

function checkService(
  authenticator: Hub['authenticator'],
  authorization: string,
  path: readonly string[],
  right: Right,
): void {
  const below = path.length === 0 ? '' : `/${path.join('/')}`
  authenticator.service({ authorization, path: `/messages/events${below}` }, right)
}
