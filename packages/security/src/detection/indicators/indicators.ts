import { createHash } from 'node:crypto'
import { HubError } from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import type { Page } from '../../data/finding-store.ts'
import type { Log } from '../../log.ts'
import type { Serial } from '../../serial.ts'
import { type Indicator, indicatorValue, MAX_CONFIDENCE, MAX_TEXT_CHARACTERS } from './indicator.ts'
import type { IndicatorFilter, IndicatorStore, StoredIndicator } from './indicator-store.ts'
import { IndicatorIndex, type IndicatorLookup } from './lookup.ts'

/** Indicators of one hub; they are kept in memory as well. */
export const MAX_INDICATORS = 100_000
/** Indicators of one import. */
export const MAX_IMPORT = 1000
/** How often expired ones are forgotten; rules pass over them at once. */
export const EXPIRY_INTERVAL_MS = 3_600_000
const PAGE_INDICATORS = 1000
/** Characters of an id. */
const ID_CHARACTERS = 32

/** An indicator as it is given: the rest has defaults. */
export type NewIndicator = Pick<Indicator, 'kind' | 'value'> & Partial<Indicator>

interface Ports {
  readonly indicators: IndicatorStore
  readonly clock: Clock
  readonly log: Log
}

/** The operators' lists: kept in the store, and in memory for the rules. Nothing is ever fetched. */
export class Indicators {
  readonly #ports: Ports
  readonly #changes: Serial
  readonly #index = new IndicatorIndex()
  #stop = () => {}

  /** @param changes  one after the other, as the evaluation of messages is */
  constructor(ports: Ports, changes: Serial) {
    this.#ports = ports
    this.#changes = changes
  }

  /** What rules ask. */
  get lookup(): IndicatorLookup {
    return this.#index
  }

  /** Reads the lists. Rules that run before find nothing in them. */
  async start(): Promise<void> {
    await this.#changes.run(() => this.#load())
    const { clock, log } = this.#ports
    this.#stop = clock.every(EXPIRY_INTERVAL_MS, () => {
      this.#changes
        .run(() => this.#forgetExpired())
        .catch((error) => log.error({ err: error }, 'expired indicators remain'))
    })
  }

  close(): void {
    this.#stop()
  }

  list(filter: IndicatorFilter): Promise<Page<StoredIndicator>> {
    return this.#ports.indicators.list(filter)
  }

  /** @throws {HubError} `GenericNotFound` */
  async find(id: string): Promise<StoredIndicator> {
    const found = await this.#ports.indicators.find(id)
    if (!found) throw new HubError('GenericNotFound', `There is no indicator ${id}.`)
    return found
  }

  /**
   * Adds indicators, and replaces those of the same kind and value. All or none.
   *
   * @returns them as they are kept, each once
   * @throws {HubError} `ArgumentInvalid` that names the first one that is wrong, or that they are
   *   more than `MAX_IMPORT`; `IotHubQuotaExceeded` beyond `MAX_INDICATORS`
   */
  import(given: readonly NewIndicator[], by: string): Promise<readonly StoredIndicator[]> {
    if (given.length > MAX_IMPORT) {
      throw new HubError(
        'ArgumentInvalid',
        `At most ${MAX_IMPORT} indicators can be given at once.`,
      )
    }
    const nowMs = this.#ports.clock.now()
    const read = given.map((one, at) => readIndicator(one, { at, nowMs, by }))
    const stored = [...new Map(read.map((one) => [one.id, one])).values()]
    return this.#changes.run(async () => {
      const { indicators } = this.#ports
      const known = await Promise.all(stored.map(({ id }) => indicators.find(id)))
      const added = known.filter((one) => one === undefined).length
      if (added > 0 && (await indicators.count()) + added > MAX_INDICATORS) {
        throw new HubError(
          'IotHubQuotaExceeded',
          `At most ${MAX_INDICATORS} indicators can be kept.`,
        )
      }
      await indicators.put(stored)
      this.#index.put(stored)
      return stored
    })
  }

  /** Removing nothing is no error. */
  async remove(id: string): Promise<void> {
    await this.#changes.run(async () => {
      const known = await this.#ports.indicators.find(id)
      await this.#ports.indicators.remove(id)
      if (known) this.#index.remove(known)
    })
  }

  /** Forgets a whole list. */
  async removeSource(source: string): Promise<void> {
    await this.#changes.run(async () => {
      await this.#ports.indicators.removeSource(source)
      await this.#load()
    })
  }

  async #forgetExpired(): Promise<void> {
    await this.#ports.indicators.removeExpired(this.#ports.clock.now())
    await this.#load()
  }

  async #load(): Promise<void> {
    const all: StoredIndicator[] = []
    let continuationToken: string | undefined
    do {
      const page = await this.#ports.indicators.list({
        limit: PAGE_INDICATORS,
        ...(continuationToken !== undefined && { continuationToken }),
      })
      all.push(...page.items)
      continuationToken = page.continuationToken ?? undefined
    } while (continuationToken !== undefined)
    this.#index.replace(all)
  }
}

/** The id under which a thing is kept, whoever lists it. */
export function indicatorId({ kind, value }: Pick<Indicator, 'kind' | 'value'>): string {
  const hash = createHash('sha256').update(`${kind} ${value}`).digest('hex')
  return hash.slice(0, ID_CHARACTERS)
}

function readIndicator(
  given: NewIndicator,
  { at, nowMs, by }: { readonly at: number; readonly nowMs: number; readonly by: string },
): StoredIndicator {
  try {
    const { kind, source = '', severity, confidence = MAX_CONFIDENCE, note = '' } = given
    const { expiresMs = 0 } = given
    checkText('source', source)
    checkText('note', note)
    if (!Number.isInteger(confidence) || confidence < 0 || confidence > MAX_CONFIDENCE) {
      throw new HubError('ArgumentInvalid', `confidence must be 0 to ${MAX_CONFIDENCE}.`)
    }
    const value = indicatorValue(kind, given.value)
    const base = { kind, value, source, confidence, expiresMs, note, changedMs: nowMs }
    return {
      ...base,
      ...(severity !== undefined && { severity }),
      id: indicatorId({ kind, value }),
      changedBy: by,
    }
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    throw new HubError(error.code, `items[${at}]: ${error.message}`)
  }
}

function checkText(name: string, text: string): void {
  if (text.length <= MAX_TEXT_CHARACTERS) return
  throw new HubError('ArgumentInvalid', `${name} has at most ${MAX_TEXT_CHARACTERS} characters.`)
}
