import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type {
  FindingStore,
  Page,
  RecommendationCount,
  RecommendationFilter,
} from '../data/finding-store.ts'
import type { Severity } from '../detection/alert.ts'
import type { Log } from '../log.ts'
import type { ModuleStore } from '../modules/module-store.ts'
import type { Serial } from '../serial.ts'
import { notesIn, withNotes } from './assessor.ts'
import { CATALOGUE, type CatalogueEntry, FAMILIES } from './catalogue.ts'
import { earliest, isSourceStale } from './notes.ts'
import type { Recommendation } from './recommendation.ts'
import { becomeStale, exempt, liftExemption, switchOff } from './states.ts'
import { checkSwitch, StoredSwitches, type TypeSwitches, type TypeSwitchStore } from './switches.ts'

/** Recommendations that are switched off in one step. */
const PAGE_ITEMS = 100

interface Ports {
  readonly findings: FindingStore
  readonly switches: TypeSwitchStore
  readonly modules: ModuleStore
  readonly clock: Clock
  readonly log: Log
}

/** What a person asks of a recommendation. */
export interface Wish {
  readonly state: 'Exempt' | 'Active'
  readonly reason: string
  /** When an exemption ends; absent = never. */
  readonly untilMs?: number
}

/** A type and whether it is on. */
export interface TypeStatus extends CatalogueEntry {
  readonly isOff: boolean
}

/** One type over the whole fleet (security 05 §3). */
export interface Aggregate {
  readonly entry: CatalogueEntry
  /** The worst of those that are active; of the type when there is none. */
  readonly severity: Severity
  readonly isOff: boolean
  readonly counts: { readonly [state in Recommendation['state']]: number }
  /** Both 0 of a type that is about the hub itself. */
  readonly unhealthyDevices: number
  readonly healthyDevices: number
}

/** Recommendations, as people look at them, accept them and switch their types. */
export class Recommendations {
  readonly #ports: Ports
  readonly #changes: Serial
  readonly #touch: (deviceId: string) => void
  readonly #switches = new StoredSwitches(FAMILIES)

  /**
   * @param changes  the evaluator changes findings too; one after the other, nothing is lost
   * @param touch  told of every device whose recommendations changed
   */
  constructor(ports: Ports, changes: Serial, touch: (deviceId: string) => void) {
    this.#ports = ports
    this.#changes = changes
    this.#touch = touch
  }

  /** Reads the switches; to be called before messages are taken. */
  async start(): Promise<void> {
    this.#switches.replace(await this.#ports.switches.disabledTypes())
    // A start may have come between a switch and what follows from it.
    for (const name of this.#switches.off) await this.#resolveAll(name, 'engine')
  }

  get switches(): TypeSwitches {
    return this.#switches
  }

  list(filter: RecommendationFilter): Promise<Page<Recommendation>> {
    return this.#ports.findings.listRecommendations(filter)
  }

  /** @throws {HubError} `GenericNotFound` */
  async find(id: string): Promise<Recommendation> {
    const found = await this.#ports.findings.findRecommendation(id)
    if (found) return found
    throw new HubError('GenericNotFound', `There is no recommendation ${id.slice(0, 256)}.`)
  }

  /** @throws {HubError} `GenericNotFound`; `ArgumentInvalid` for what its state does not allow */
  change(id: string, wish: Wish, by: string): Promise<Recommendation> {
    return this.#changes.run(() => this.#change(id, wish, by))
  }

  async #change(id: string, { state, ...wish }: Wish, by: string): Promise<Recommendation> {
    const { findings, clock } = this.#ports
    const found = await this.find(id)
    const change = { timeMs: clock.now(), by }
    const changed =
      state === 'Exempt'
        ? exempt(found, wish, change)
        : await this.#settled(liftExemption(found, { ...change, reason: wish.reason }))
    const memories = await this.#memoriesFor(changed)
    await findings.commit({ recommendations: [changed], memories })
    this.#ports.log.info({ id, state, by }, 'recommendation changed')
    this.#touch(changed.deviceId)
    return changed
  }

  /** What came to be stale while it was exempt is so at once: no time is watched for it any more. */
  async #settled(lifted: Recommendation): Promise<Recommendation> {
    const { findings, clock } = this.#ports
    const memory = await findings.findMemory(lifted.deviceId)
    const isStale = memory !== undefined && isSourceStale(notesIn(memory), lifted.source)
    return isStale ? becomeStale(lifted, clock.now()) : lifted
  }

  /** The end of an exemption is noted where time is watched. */
  async #memoriesFor({ deviceId, exemptUntilMs = 0 }: Recommendation) {
    if (exemptUntilMs === 0) return []
    const memory = await this.#ports.findings.findMemory(deviceId)
    const notes = notesIn(memory)
    const until = earliest(notes.exemptUntilMs, exemptUntilMs)
    const dueMs = earliest(notes.dueMs, until)
    return [withNotes(deviceId, memory, { ...notes, exemptUntilMs: until, dueMs })]
  }

  /** Every type, with whether it is on. */
  types(): readonly TypeStatus[] {
    return CATALOGUE.map((entry) => ({
      ...entry,
      isOff: this.#switches.isOff(entry.type.recommendationType),
    }))
  }

  /**
   * Switches a type on or off for the whole hub. Off, what is open of it is resolved and nothing opens;
   * on again, it opens with the next snapshot that is bad.
   *
   * @throws {HubError} `GenericNotFound`
   */
  async switchType(name: string, isOff: boolean, by: string): Promise<void> {
    const names = CATALOGUE.map(({ type }) => type.recommendationType)
    checkSwitch(name, names)
    await this.#changes.run(async () => {
      await this.#ports.switches.setDisabled(name, isOff)
      this.#switches.replace(await this.#ports.switches.disabledTypes())
    })
    this.#ports.log.info({ recommendationType: name, isOff, by }, 'recommendation type switched')
    if (isOff) await this.#resolveAll(name, by)
  }

  async #resolveAll(name: string, by: string): Promise<void> {
    for (const state of ['Active', 'Stale', 'Exempt'] as const) {
      for (let token: string | undefined | null; token !== null; ) {
        token = await this.#changes.run(() => this.#resolvePage(name, { state, token, by }))
      }
    }
  }

  /** @returns where the next page begins; `null` after the last */
  async #resolvePage(
    name: string,
    page: { state: Recommendation['state']; token: string | null | undefined; by: string },
  ): Promise<string | null> {
    const { findings, clock } = this.#ports
    const { prefix } = FAMILIES.find((family) => family.name === name) ?? {}
    const { items, continuationToken } = await findings.listRecommendations({
      state: page.state,
      limit: PAGE_ITEMS,
      // Members of a family have types of their own.
      ...(prefix === undefined && { recommendationType: name }),
      ...(page.token != null && { continuationToken: page.token }),
    })
    const own = items.filter(({ recommendationType }) =>
      prefix === undefined ? true : recommendationType.startsWith(prefix),
    )
    const change = { timeMs: clock.now(), by: page.by }
    const recommendations = own.map((one) => switchOff(one, change))
    if (recommendations.length > 0) await findings.commit({ recommendations })
    for (const { deviceId } of recommendations) this.#touch(deviceId)
    return continuationToken
  }

  /** Every type that is known of, and every member of a family that somebody has. */
  async aggregated(): Promise<readonly Aggregate[]> {
    const { findings, modules } = this.#ports
    const [counts, states] = await Promise.all([findings.recommendationCounts(), modules.counts()])
    const devices = Object.entries(states)
      .filter(([state]) => state !== 'retired')
      .reduce((sum, [, count]) => sum + count, 0)
    return CATALOGUE.flatMap((entry) => {
      const { recommendationType: name } = entry.type
      const ofType = counts.filter(
        ({ recommendationType }) => this.#switches.nameOf(recommendationType) === name,
      )
      const members = [...new Set(ofType.map(({ recommendationType }) => recommendationType))]
      const shown = entry.isFamily ? members : [name]
      return shown.map((type) => aggregate(memberOf(entry, type), ofType, devices))
    }).map((one) => ({ ...one, isOff: this.#switches.isOff(one.entry.type.recommendationType) }))
  }
}

function memberOf(entry: CatalogueEntry, recommendationType: string): CatalogueEntry {
  return { ...entry, type: { ...entry.type, recommendationType } }
}

const RANKS: readonly Severity[] = ['Informational', 'Low', 'Medium', 'High']

function aggregate(
  entry: CatalogueEntry,
  all: readonly RecommendationCount[],
  devices: number,
): Omit<Aggregate, 'isOff'> {
  const { recommendationType, severity } = entry.type
  const own = all.filter((one) => one.recommendationType === recommendationType)
  const countOf = (state: Recommendation['state']) =>
    own.filter((one) => one.state === state).reduce((sum, { count }) => sum + count, 0)
  const active = own.filter(({ state }) => state === 'Active')
  const worst = Math.max(...active.map((one) => RANKS.indexOf(one.severity)))
  const isOfDevices = entry.scope === 'device'
  const unhealthyDevices = isOfDevices ? countOf('Active') : 0
  const badDevices = unhealthyDevices + countOf('Stale')
  return {
    entry,
    severity: RANKS[worst] ?? severity,
    counts: {
      Active: countOf('Active'),
      Resolved: countOf('Resolved'),
      Stale: countOf('Stale'),
      Exempt: countOf('Exempt'),
    },
    unhealthyDevices,
    healthyDevices: isOfDevices ? Math.max(0, devices - badDevices) : 0,
  }
}
