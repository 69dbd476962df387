import { createHash } from 'node:crypto'
import { HubError } from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import type { Page } from '../../data/finding-store.ts'
import { CUSTOM_PREFIX } from '../baseline.ts'
import { type CheckSet, type CustomCheckStore, MAX_CHECK_SETS } from './custom-check-store.ts'
import type { CustomChecks, ImportedChecks } from './custom-checks.ts'
import { readChecks } from './read-checks.ts'
import { rawOfDocument } from './read-document.ts'
import { readChecksXml } from './read-xml.ts'

/** Of the hash, in the name of a benchmark. */
const PREFIX_CHARACTERS = 12

/** A set that was stored, and what a person should know about it. */
export interface StoredCheckSet {
  readonly set: CheckSet
  readonly warnings: readonly string[]
}

/** Operators' own checks: imported, kept by their hash, and given to agents. */
export class CustomCheckSets {
  readonly #store: CustomCheckStore
  readonly #clock: Clock

  constructor(store: CustomCheckStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** @throws {HubError} `ArgumentInvalid` for a file that cannot be read, with what and where */
  importXml(xml: string, by: string): Promise<StoredCheckSet> {
    const xmlSha256 = createHash('sha256').update(xml).digest('hex')
    return this.#put(readChecks(readChecksXml(xml)), xmlSha256, by)
  }

  /** @param document  of the published schema @throws as `importXml` */
  importDocument(document: CustomChecks, by: string): Promise<StoredCheckSet> {
    return this.#put(readChecks(rawOfDocument(document)), '', by)
  }

  list(filter: Parameters<CustomCheckStore['list']>[0]): Promise<Page<CheckSet>> {
    return this.#store.list(filter)
  }

  /** @throws {HubError} `GenericNotFound` */
  async find(sha256: string): Promise<CheckSet> {
    const set = await this.#store.find(sha256)
    if (!set) throw unknown(sha256)
    return set
  }

  /** What agents get; its SHA-256 is the name. @throws {HubError} `GenericNotFound` */
  async content(sha256: string): Promise<string> {
    const content = await this.#store.content(sha256)
    if (content === undefined) throw unknown(sha256)
    return content
  }

  /** @throws {HubError} `GenericNotFound` */
  async remove(sha256: string): Promise<void> {
    await this.find(sha256)
    await this.#store.remove(sha256)
  }

  async #put(
    { document, warnings }: ImportedChecks,
    xmlSha256: string,
    by: string,
  ): Promise<StoredCheckSet> {
    const content = JSON.stringify(document)
    const sha256 = createHash('sha256').update(content).digest('hex')
    const isNew = (await this.#store.find(sha256)) === undefined
    if (isNew && (await this.#store.count()) >= MAX_CHECK_SETS) {
      const text = `There are ${MAX_CHECK_SETS} sets of checks already; delete one first.`
      throw new HubError('IotHubQuotaExceeded', text)
    }
    const set = {
      ...{ sha256, addedMs: this.#clock.now(), addedBy: by, sizeBytes: Buffer.byteLength(content) },
      ...{ baselineId: document.baselineId, checks: document.checks.length, xmlSha256 },
    }
    await this.#store.put(set, content)
    return { set, warnings }
  }
}

/** How results of a set are told from others. */
export function benchmarkOfSet(sha256: string): string {
  return `${CUSTOM_PREFIX}${sha256.slice(0, PREFIX_CHARACTERS)}`
}

function unknown(sha256: string): HubError {
  return new HubError('GenericNotFound', `There are no custom checks ${sha256.slice(0, 64)}.`)
}
