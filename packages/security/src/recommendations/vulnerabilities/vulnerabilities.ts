import { HubError, type JsonValue } from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import type { FindingStore, Page } from '../../data/finding-store.ts'
import type { SecurityRecord } from '../../ingestion/record.ts'
import type { Log } from '../../log.ts'
import type { Serial } from '../../serial.ts'
import type { Round } from '../round.ts'
import {
  assessVulnerabilities,
  type FoundVulnerability,
  findVulnerabilities,
  packageNames,
  vulnerablePackageType,
} from './assess-packages.ts'
import { type OperatingSystem, packagesIn } from './sbom.ts'
import { readVulnerability } from './vulnerability.ts'
import {
  MAX_NAMES,
  type PendingSbom,
  type StoredVulnerability,
  type VulnerabilityStore,
} from './vulnerability-store.ts'

/** Entries of all feeds of one hub. */
export const MAX_VULNERABILITIES = 200_000
/** Entries of one import. */
export const MAX_IMPORT = 1_000
/** Characters of the name of a feed. */
export const MAX_SOURCE_CHARACTERS = 256
/** How often pending SBoMs are looked for that nobody told of, such as after a failure. */
export const LOOK_INTERVAL_MS = 60_000
/** Entries that are compared at once. */
const PAGE_ENTRIES = 500
/** SBoMs that are read at once. */
const PAGE_SBOMS = 10

interface Ports {
  readonly findings: FindingStore
  readonly vulnerabilities: VulnerabilityStore
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  readonly round: () => Round
  readonly changes: Serial
  readonly touched: (deviceId: string) => void
}

/**
 * Feeds of vulnerabilities that operators import, and what they say about the packages of devices.
 * Nothing is ever fetched. A device's last SBoM is kept, so that a change of a feed is seen at once.
 */
export class Vulnerabilities {
  readonly #ports: Ports
  readonly #options: Options
  readonly #closing = new AbortController()
  #loop: Promise<void> | undefined
  #wake = () => {}
  #hasMore = false

  constructor(ports: Ports, options: Options) {
    this.#ports = ports
    this.#options = options
  }

  start(): void {
    this.#loop ??= this.#watch()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#more()
    await this.#loop
  }

  list(filter: Parameters<VulnerabilityStore['list']>[0]): Promise<Page<StoredVulnerability>> {
    return this.#ports.vulnerabilities.list(filter)
  }

  /** @throws {HubError} `GenericNotFound` */
  async find(id: string): Promise<StoredVulnerability> {
    const found = await this.#ports.vulnerabilities.find(id)
    if (found) return found
    throw new HubError('GenericNotFound', `There is no vulnerability ${id.slice(0, 128)}.`)
  }

  /**
   * Adds entries of the OSV format, and replaces those with the same id. All or none.
   *
   * @returns how many are kept of what was given, each id once
   * @throws {HubError} `ArgumentInvalid` that names the first one that is wrong, or that they are more
   *   than `MAX_IMPORT`; `IotHubQuotaExceeded` beyond `MAX_VULNERABILITIES`
   */
  async import(
    given: readonly JsonValue[],
    { source, by }: { readonly source: string; readonly by: string },
  ): Promise<number> {
    const { vulnerabilities, clock } = this.#ports
    if (given.length > MAX_IMPORT) {
      throw new HubError('ArgumentInvalid', `At most ${MAX_IMPORT} entries can be given at once.`)
    }
    if (source.length > MAX_SOURCE_CHARACTERS) {
      const limit = `${source.length} of ${MAX_SOURCE_CHARACTERS}`
      throw new HubError('ArgumentInvalid', `source has ${limit} characters.`)
    }
    const changed = { source, changedMs: clock.now(), changedBy: by }
    const read = given.map((entry, at) => ({ ...readEntry(entry, at), ...changed }))
    const stored = [...new Map(read.map((one) => [one.id, one])).values()]
    // With changes of findings, so that two imports do not both find room.
    await this.#options.changes.run(async () => {
      const known = await Promise.all(stored.map(({ id }) => vulnerabilities.find(id)))
      const added = known.filter((one) => one === undefined).length
      if (added > 0 && (await vulnerabilities.count()) + added > MAX_VULNERABILITIES) {
        const limit = `At most ${MAX_VULNERABILITIES} vulnerabilities can be kept.`
        throw new HubError('IotHubQuotaExceeded', limit)
      }
      await vulnerabilities.put(stored)
    })
    this.#more()
    return stored.length
  }

  /** Removing nothing is no error. */
  async remove(filter: { readonly id: string } | { readonly source: string }): Promise<void> {
    await this.#ports.vulnerabilities.remove(filter)
    this.#more()
  }

  /** Keeps the SBoM of a device; what feeds say about it follows. Durable when it resolves. */
  async take(record: SecurityRecord): Promise<void> {
    if (record.kind !== 'sbom') return
    const { deviceId } = record.header.ref
    const packages = packagesIn(record.payload)
    await this.#ports.vulnerabilities.putSbom({ deviceId, packages })
    this.#more()
  }

  removeDevice(deviceId: string): Promise<void> {
    return this.#ports.vulnerabilities.removeDevice(deviceId)
  }

  #more(): void {
    this.#hasMore = true
    this.#wake()
  }

  async #watch(): Promise<void> {
    const { log } = this.#ports
    const { signal } = this.#closing
    while (!signal.aborted) {
      this.#hasMore = false
      try {
        while (await this.#lookAtPage()) signal.throwIfAborted()
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'packages of devices were not looked at')
      }
      await this.#untilMore(signal)
    }
  }

  async #untilMore(signal: AbortSignal): Promise<void> {
    if (this.#hasMore || signal.aborted) return
    const waiting = new AbortController()
    this.#wake = () => waiting.abort()
    await this.#ports.clock.sleep(LOOK_INTERVAL_MS, waiting.signal).catch(() => {})
    this.#wake = () => {}
  }

  /** @returns whether there may be more */
  async #lookAtPage(): Promise<boolean> {
    const page = await this.#ports.vulnerabilities.pendingSboms(PAGE_SBOMS)
    for (const sbom of page) {
      this.#closing.signal.throwIfAborted()
      await this.#lookAt(sbom)
    }
    return page.length === PAGE_SBOMS
  }

  async #lookAt(sbom: PendingSbom): Promise<void> {
    const { findings, vulnerabilities, clock } = this.#ports
    const { deviceId, packages } = sbom
    const { inventory } = (await findings.findAgent(deviceId)) ?? {}
    const system = { name: inventory?.osName ?? '', version: inventory?.osVersion ?? '' }
    const assessment = assessVulnerabilities(await this.#find(packages, system))
    const isChanged = await this.#options.changes.run(async () => {
      const round = this.#options.round()
      const snapshot = { deviceId, timeMs: clock.now(), source: 'sbom' }
      await round.judgeNow(vulnerablePackageType, assessment, snapshot)
      const recommendations = round.changed()
      if (recommendations.length > 0) await findings.commit({ recommendations })
      return recommendations.length > 0
    })
    await vulnerabilities.doneSbom(sbom)
    if (isChanged) this.#options.touched(deviceId)
  }

  /** Page by page: packages such as kernels have thousands of entries. */
  async #find(packages: PendingSbom['packages'], system: OperatingSystem) {
    const { vulnerabilities } = this.#ports
    const names = packageNames(packages, system)
    const found = new Map<string, FoundVulnerability>()
    for (let from = 0; from < names.length; from += MAX_NAMES) {
      const some = names.slice(from, from + MAX_NAMES)
      for (let after: string | undefined; ; ) {
        const page = await vulnerabilities.affecting(some, PAGE_ENTRIES, after)
        for (const one of findVulnerabilities(packages, page, system)) {
          found.set(JSON.stringify([one.id, one.name, one.version]), one)
        }
        after = page.at(-1)?.id
        if (page.length < PAGE_ENTRIES) break
      }
    }
    return [...found.values()]
  }
}

function readEntry(entry: JsonValue, at: number) {
  try {
    return readVulnerability(entry)
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    throw new HubError(error.code, `items[${at}]: ${error.message}`)
  }
}
