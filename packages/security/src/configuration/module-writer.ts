import {
  type ConfigurationKeys,
  configurationKey,
  type DeviceRef,
  type Era,
  eraOf,
  HubError,
  hubErrors,
  type JsonObject,
  readConfiguration,
} from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { PlatformModule, TwinPlatform } from '../platform.ts'
import type {
  ConfigurationRecord,
  ConfigurationStore,
  HistoryEntry,
  ModuleMemory,
} from './configuration-store.ts'
import {
  changesBetween,
  classify,
  type Provenance,
  publishedDefaults,
  readableSettings,
  settle,
} from './provenance.ts'

/** The author of changes that were made past this service: the platform does not tell who. */
export const TWIN_WRITE = 'twin write'

/** Of desired properties that nobody has written since they were created. */
const FIRST_VERSION = 1

export interface WriterPorts {
  readonly platform: TwinPlatform
  readonly configurations: ConfigurationStore
  readonly clock: Clock
}

/** A module as its twin and its record show it. */
export interface Sighting {
  readonly module: PlatformModule
  readonly era: Era
  readonly record: ConfigurationRecord | undefined
  readonly now: Provenance
  /** As of now: what the record will say when nothing more happens. */
  readonly memory: ModuleMemory
  /** What happened since the record was written. */
  readonly news: readonly HistoryEntry[]
}

/** What is to be written into a module's twin, and remembered about it. */
export interface ModuleWrite {
  readonly desired: JsonObject
  readonly memory: ModuleMemory
  /** `undefined` when no value changes. */
  readonly entry: HistoryEntry | undefined
}

/**
 * Writes configurations into twins and remembers what it wrote, so that neither a crash between the
 * two nor somebody else's write makes an inherited value look like a device's own.
 */
export class ModuleWriter {
  readonly #ports: WriterPorts
  readonly #keys: ConfigurationKeys

  constructor(ports: WriterPorts, keys: ConfigurationKeys) {
    this.#ports = ports
    this.#keys = keys
  }

  /** Looks at a module; writes nothing. Call it in the device's turn. */
  async look(module: PlatformModule): Promise<Sighting> {
    const record = await this.#ports.configurations.findRecord(module.ref)
    const era = eraOf(module.ref.moduleId, module, this.#keys)
    const reading = readConfiguration(module.desired, era, configurationKey(era, this.#keys))
    const now = classify(reading, era, module.desiredVersion, record)
    const seen = readableSettings(reading, era)
    const settled = record && settle(record, module.desiredVersion)
    const memory = { written: settled?.written ?? publishedDefaults(era), seen }
    const sighting = { module, era, record, now, memory }
    return { ...sighting, news: this.#news(sighting) }
  }

  /** Remembers what was seen, if it is more than the record says. */
  async note({ module, record, now, news }: Sighting, memory: ModuleMemory): Promise<void> {
    const isNew = record === undefined && Object.keys(now.own).length > 0
    if (!isNew && record?.intent === undefined && news.length === 0) return
    const { ref, desiredVersion } = module
    await this.#ports.configurations.saveRecord({ ref, desiredVersion, ...memory }, news)
  }

  /**
   * Writes a twin that is still as it was seen.
   *
   * @throws {HubError} `PreconditionFailed` when it is not; what the platform refuses
   */
  async write(sighting: Sighting, { desired, memory, entry }: ModuleWrite): Promise<void> {
    const { platform, configurations } = this.#ports
    const { module, news } = sighting
    const { ref, desiredVersion, etag } = module
    const before = { ref, desiredVersion, ...sighting.memory }
    const intent = { baseVersion: desiredVersion, ...memory, ...(entry && { entry }) }
    await configurations.saveRecord({ ...before, intent }, news)
    try {
      const after = await platform.patchTwin(ref, { desired }, etag)
      const record = { ref, desiredVersion: after.desiredVersion, ...memory }
      await configurations.saveRecord(record, entry ? [entry] : [])
    } catch (error) {
      // Where it is not known what happened, the next look at the twin tells.
      if (isRefused(error)) await configurations.saveRecord(before, [])
      throw error
    }
  }

  /** An entry about a device; `undefined` when nothing changes. */
  entryFor(
    ref: Required<DeviceRef>,
    about: Pick<HistoryEntry, 'layer' | 'by' | 'changes'>,
    timeMs = this.#ports.clock.now(),
  ): HistoryEntry | undefined {
    return about.changes.length === 0 ? undefined : { timeMs, group: null, ...ref, ...about }
  }

  #news(sighting: Omit<Sighting, 'news'>): readonly HistoryEntry[] {
    const { module, era, record, now, memory } = sighting
    const { ref, desiredVersion, desiredUpdatedMs } = module
    const timeMs = desiredUpdatedMs > 0 ? desiredUpdatedMs : this.#ports.clock.now()
    const entryOf = (changes: HistoryEntry['changes']) =>
      this.entryFor(ref, { layer: 'device', by: TWIN_WRITE, changes }, timeMs)
    if (record === undefined) {
      const published = Object.entries(publishedDefaults(era))
      const old = published.filter(([name]) => Object.hasOwn(now.own, name))
      const written = changesBetween(era, Object.fromEntries(old), now.own)
      // What a module was created with is nobody's change.
      return desiredVersion > FIRST_VERSION ? present([entryOf(written)]) : []
    }
    const settled = settle(record, desiredVersion)
    const ours = settled === record ? undefined : record.intent?.entry
    return present([ours, entryOf(changesBetween(era, settled.seen, memory.seen))])
  }
}

function present<T>(items: readonly (T | undefined)[]): readonly T[] {
  return items.filter((item) => item !== undefined)
}

/** Whether the platform said that it did nothing. */
function isRefused(error: unknown): boolean {
  return error instanceof HubError && hubErrors[error.code].status < 500
}
