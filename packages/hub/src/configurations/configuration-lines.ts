import { HubError, isJsonObject, type JsonObject, parseJson } from '@twinward/protocol'
import { type Line, splitLines } from '../registry/lines.ts'
import type { WriteAuthor } from '../twins/desired-review.ts'
import type { Configurations } from './configurations.ts'

/** What jobs of the registry move beside identities (01 §7). */
export type MovedConfigurations = Pick<Configurations, 'list' | 'put'>

/** A line that was refused. */
export interface ConfigurationFailure {
  /** From 1. */
  readonly line: number
  /** Empty when the line does not tell. */
  readonly configurationId: string
  readonly error: HubError
}

/** All configurations, each as a line of JSON as services read it. */
export function configurationLines(configurations: Pick<MovedConfigurations, 'list'>): string {
  return configurations
    .list()
    .map((each) => `${JSON.stringify(each)}\n`)
    .join('')
}

/**
 * Creates what is missing and replaces what is there, but for its content, which stays (08 §2). With
 * `importMode` `createOrUpdateIfMatchETag`, only what still has the etag of its line. Each line
 * succeeds or fails by itself.
 *
 * @param author  on whose behalf twins are written
 * @throws {HubError} `ServiceUnavailable`; the signal's reason
 */
export async function restoreConfigurations(
  chunks: AsyncIterable<Uint8Array>,
  {
    configurations,
    author,
    failed,
  }: {
    readonly configurations: MovedConfigurations
    readonly author: WriteAuthor | undefined
    readonly failed: (failure: ConfigurationFailure) => Promise<void>
  },
  signal?: AbortSignal,
): Promise<void> {
  for await (const { lines } of splitLines(chunks)) {
    for (const line of lines) {
      signal?.throwIfAborted()
      if (line.text?.trim() === '') continue
      let configurationId = ''
      try {
        const document = parse(line)
        configurationId = readId(document)
        const isThere = configurations.list().some(({ id }) => id === configurationId)
        const condition = readCondition(document)
        const ifMatch = isThere ? condition : undefined
        await configurations.put(configurationId, document, ifMatch, author)
      } catch (error) {
        if (!(error instanceof HubError) || error.code === 'ServiceUnavailable') throw error
        await failed({ line: line.number, configurationId, error })
      }
    }
  }
}

function parse({ text }: Line): JsonObject {
  if (text === undefined) {
    throw new HubError('DeserializationError', 'The line is too long, or no UTF-8.')
  }
  const document = parseJson(text, 'DeserializationError')
  if (isJsonObject(document)) return document
  throw new HubError('ArgumentInvalid', 'A configuration must be an object.')
}

function readId({ id }: JsonObject): string {
  if (typeof id === 'string') return id
  throw new HubError('ArgumentInvalid', 'id is missing.')
}

/** What must be there for a configuration to be replaced. */
function readCondition({ importMode, etag }: JsonObject): string {
  const mode = importMode ?? 'createOrUpdate'
  const words = typeof mode === 'string' ? mode.toLowerCase() : ''
  if (words === 'createorupdate') return '*'
  if (words === 'createorupdateifmatchetag') return typeof etag === 'string' ? etag : ''
  throw new HubError(
    'ArgumentInvalid',
    'importMode must be createOrUpdate or createOrUpdateIfMatchETag.',
  )
}
