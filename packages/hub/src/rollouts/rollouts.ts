import { type DeviceRef, HubError, type JsonObject } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Configuration } from '../configurations/configuration.ts'
import type { Configurations } from '../configurations/configurations.ts'
import type { Log } from '../log.ts'
import { Turns } from '../messages/turns.ts'
import type { Registry } from '../registry/registry.ts'
import type { WriteAuthor } from '../twins/desired-review.ts'
import { countWave } from './count-wave.ts'
import { type Decision, decide } from './decide.ts'
import { readRollout } from './read-rollout.ts'
import { isOver, type Rollout, type RolloutState, type WaveCounts } from './rollout.ts'
import { RolloutBook } from './rollout-book.ts'
import type { RolloutStore } from './rollout-store.ts'
import { rolloutView } from './rollout-view.ts'
import { afterWave, inNextWave, inSameWave, isLastWave, newRollout } from './steps.ts'
import { gatherPlaces } from './targets.ts'
import { cutWaves, placeOf } from './waves.ts'

/** How often rollouts under way are looked at. */
export const LOOK_INTERVAL_MS = 5_000
/** The same while a wave is brought to its twins. */
const MOVING_INTERVAL_MS = 250
/** A look counts twins of the whole fleet: it rests so many times as long as it took. */
const REST_FACTOR = 10

/** Who decides when nobody asked. */
const HUB = 'hub'

export interface RolloutPorts {
  readonly store: RolloutStore
  readonly registry: Pick<Registry, 'query'>
  readonly configurations: Pick<
    Configurations,
    'put' | 'remove' | 'get' | 'reconsider' | 'isUnderWay'
  >
  readonly clock: Clock
  readonly log: Log
}

/**
 * Configurations that come to their targets in waves (hawkBit's rollouts are the model). The engine asks
 * `mayApply` for every twin. What is decided here is durable before it takes effect, so that after a
 * crash it goes on.
 */
export class Rollouts {
  readonly #ports: RolloutPorts
  readonly #turns = new Turns()
  readonly #book: RolloutBook
  /** Those whose current wave began, but maybe not the pass that brings it to its twins. */
  readonly #unbrought = new Set<string>()
  readonly #closing = new AbortController()
  #loop: Promise<void> | undefined

  constructor(ports: RolloutPorts) {
    this.#ports = ports
    this.#book = new RolloutBook(ports)
  }

  /** Reads what is stored; to be done before the first twin is looked at. */
  async load(): Promise<void> {
    await this.#book.load()
    for (const { id, wave } of this.#book.gates) if (wave >= 0) this.#unbrought.add(id)
  }

  /** Goes on with what was under way. */
  start(): void {
    this.#loop ??= this.#run()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#loop
  }

  /** Whether a twin may have a configuration yet: the number of its wave, from 0, if it may. */
  mayApply(configuration: Pick<Configuration, 'id'>, ref: DeviceRef): boolean | number {
    return this.#book.mayApply(configuration, ref)
  }

  /** In the order of their ids. */
  list(): readonly JsonObject[] {
    return this.#book.all
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map((rollout) => rolloutView(rollout))
  }

  /** With the counts of the current wave. @throws {HubError} `GenericNotFound` */
  async get(id: string): Promise<JsonObject> {
    const rollout = this.#book.find(id)
    const hasWave = rollout.wave >= 0 && !isOver(rollout) && rollout.state !== 'rollingBack'
    return rolloutView(rollout, hasWave ? await this.#count(rollout, rollout.wave) : undefined)
  }

  /**
   * Begins a rollout; its configuration must not exist yet.
   *
   * @throws {HubError} as `readRollout`; `GenericConflict` for an id that is taken;
   *   `ConfigurationAlreadyExists`; `IotHubQuotaExceeded`
   */
  create(id: string, body: unknown, author?: WriteAuthor): Promise<JsonObject> {
    const written = readRollout(id, body)
    return this.#turns.run(ALL, async () => {
      if (this.#book.get(id)) throw new HubError('GenericConflict', `There is a rollout ${id}.`)
      this.#checkFree(written.configurationId)
      await this.#book.makeRoom()
      const rollout = newRollout(written, author, this.#ports.clock.now())
      await this.#book.save(rollout)
      await this.#prepare(rollout, true)
      const prepared = this.#book.find(id)
      const isToPause = written.isPaused && prepared.state === 'running'
      if (isToPause) await this.#book.move(prepared, 'paused', { by: author?.name ?? '' })
      return this.get(id)
    })
  }

  /** @throws {HubError} `GenericNotFound`; `OperationNotAllowedInCurrentState` */
  pause(id: string, by: string): Promise<JsonObject> {
    return this.#inState(id, ['running'], (rollout) => this.#book.move(rollout, 'paused', { by }))
  }

  /** Also one that was halted: the current wave gets its time anew. */
  resume(id: string, by: string): Promise<JsonObject> {
    return this.#inState(id, ['paused', 'halted'], (rollout) =>
      this.#book.move(inSameWave(rollout, this.#ports.clock.now()), 'running', { by }),
    )
  }

  /** Begins the next wave, or ends the last, without waiting for the current one. */
  advance(id: string, by: string): Promise<JsonObject> {
    return this.#inState(id, ['running', 'paused', 'halted'], (rollout) =>
      this.#follow(rollout, { kind: isLastWave(rollout) ? 'complete' : 'advance' }, by),
    )
  }

  /** Takes the configuration away from all that have it. */
  rollBack(id: string, by: string): Promise<JsonObject> {
    const states: readonly RolloutState[] = ['preparing', 'running', 'paused', 'halted']
    return this.#inState(id, states, (rollout) =>
      this.#rollBack({ ...rollout, reason: `Taken back by ${by}.` }, by),
    )
  }

  /** Forgets a rollout that is over. @throws as `pause` */
  async forget(id: string): Promise<void> {
    await this.#turns.run(ALL, async () => {
      const rollout = this.#book.find(id)
      if (!isOver(rollout)) throw notIn(rollout, ['completed', 'rolledBack'])
      await this.#book.remove(id)
      this.#unbrought.delete(id)
    })
  }

  /** Looks at each rollout under way once; for tests, and the loop. */
  async look(): Promise<void> {
    for (const { id } of this.#book.all) {
      await this.#turns.run(ALL, async () => {
        const rollout = this.#book.get(id)
        if (rollout) await this.#lookAt(rollout)
      })
    }
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#ports
    const { signal } = this.#closing
    while (!signal.aborted) {
      const begunMs = clock.now()
      try {
        await this.look()
      } catch (error) {
        if (!signal.aborted) log.error({ err: error }, 'rollouts could not be looked at')
      }
      const pauseMs = this.#isMoving() ? MOVING_INTERVAL_MS : LOOK_INTERVAL_MS
      const restMs = REST_FACTOR * (clock.now() - begunMs)
      await clock.sleep(Math.max(pauseMs, restMs), signal).catch(() => {})
    }
  }

  /** Whether a pass is under way, after which there is something to decide. */
  #isMoving(): boolean {
    const { configurations } = this.#ports
    return this.#book.gates.some(
      ({ state, configurationId }) =>
        state === 'running' && configurations.isUnderWay(configurationId),
    )
  }

  async #lookAt(rollout: Rollout): Promise<void> {
    const { configurationId, state, wave } = rollout
    if (state === 'preparing') return this.#prepare(rollout)
    if (state === 'rollingBack') return this.#rollBack(rollout, HUB)
    if (isOver(rollout)) return
    if (!this.#hasConfiguration(configurationId)) {
      const gone = { ...rollout, reason: 'Its configuration was deleted.' }
      return this.#book.move(gone, 'rolledBack', { by: HUB, note: gone.reason })
    }
    if (this.#unbrought.has(rollout.id)) return this.#bring(rollout)
    if (state !== 'running' || this.#ports.configurations.isUnderWay(configurationId)) return
    const [current, all] = await Promise.all([
      this.#count(rollout, wave),
      this.#count(rollout, undefined),
    ])
    const decision = decide(rollout, { wave: current, all }, this.#ports.clock.now())
    await this.#follow(rollout, decision, HUB, current)
  }

  async #follow(
    rollout: Rollout,
    decision: Decision,
    by: string,
    counts?: WaveCounts,
  ): Promise<void> {
    if (decision.kind === 'stay') {
      const { calmSinceMs } = decision
      if (calmSinceMs !== rollout.calmSinceMs) await this.#book.save({ ...rollout, calmSinceMs })
      return
    }
    if (decision.kind === 'fail') {
      const failed = { ...rollout, reason: decision.reason }
      const note = decision.reason
      if (rollout.rules.onFailure === 'rollback') return this.#rollBack(failed, by)
      return this.#book.move(failed, 'halted', { by, note })
    }
    const left = counts ?? (await this.#count(rollout, rollout.wave))
    const done = afterWave(rollout, left, this.#ports.clock.now())
    if (decision.kind === 'complete') {
      await this.#book.move(done, 'completed', { by })
      if (this.#unbrought.has(rollout.id)) await this.#bring(rollout)
      return
    }
    await this.#begin(done, by)
    await this.#bring(rollout)
  }

  /** What waited for its wave may have it now. Before that there is nothing to be counted. */
  async #bring({ id, configurationId }: Rollout): Promise<void> {
    await this.#ports.configurations.reconsider(configurationId)
    this.#unbrought.delete(id)
  }

  /** The targets are cut into waves, then the configuration comes to the first. */
  async #prepare(rollout: Rollout, isFirst = false): Promise<void> {
    const { registry, configurations } = this.#ports
    const { id, configurationId, configuration, author } = rollout
    const sizes = rollout.waves.map(({ size }) => size)
    const places = await gatherPlaces(registry, configuration, (ref) => placeOf(id, ref))
    const waves = cutWaves(sizes, places.sorted())
    const prepared: Rollout = { ...rollout, waves }
    // With waves, but none begun: the gate is shut when the configuration comes.
    await this.#book.save(prepared)
    try {
      // At first one that is there is somebody else's; later it is what came before a crash.
      if (isFirst || !this.#hasConfiguration(configurationId)) {
        await configurations.put(configurationId, configuration, undefined, author ?? undefined)
      }
    } catch (error) {
      if (!(error instanceof HubError) || error.code === 'ServiceUnavailable') throw error
      const refused = { ...prepared, reason: error.message }
      await this.#book.move(refused, 'rolledBack', { by: HUB, note: error.message })
      // Somebody else's, which the gate has held back until now.
      if (this.#hasConfiguration(configurationId)) await configurations.reconsider(configurationId)
      return
    }
    await this.#begin(prepared, author?.name ?? HUB)
    await this.#bring(prepared)
  }

  #begin(rollout: Rollout, by: string): Promise<void> {
    const next = inNextWave(rollout, this.#ports.clock.now())
    const { id, wave, waves } = next
    const state = rollout.state === 'paused' ? 'paused' : 'running'
    this.#unbrought.add(id)
    return this.#book.move(next, state, { by, note: `Wave ${wave + 1} of ${waves.length}.` })
  }

  async #rollBack(rollout: Rollout, by: string): Promise<void> {
    if (rollout.state !== 'rollingBack') {
      await this.#book.move(rollout, 'rollingBack', { by, note: rollout.reason })
    }
    const { configurations } = this.#ports
    const { configurationId } = rollout
    if (this.#hasConfiguration(configurationId))
      await configurations.remove(configurationId, undefined)
    await this.#book.move(this.#book.find(rollout.id), 'rolledBack', { by: HUB })
  }

  #count(rollout: Rollout, wave: number | undefined): Promise<WaveCounts> {
    return countWave(this.#ports.registry, rollout, wave)
  }

  #inState(
    id: string,
    states: readonly RolloutState[],
    step: (rollout: Rollout) => Promise<void>,
  ): Promise<JsonObject> {
    return this.#turns.run(ALL, async () => {
      const rollout = this.#book.find(id)
      if (!states.includes(rollout.state)) throw notIn(rollout, states)
      await step(rollout)
      return this.get(id)
    })
  }

  #hasConfiguration(id: string): boolean {
    try {
      this.#ports.configurations.get(id)
      return true
    } catch (error) {
      if (error instanceof HubError && error.code === 'ConfigurationNotFound') return false
      throw error
    }
  }

  #checkFree(configurationId: string): void {
    if (!this.#hasConfiguration(configurationId) && !this.#book.holdsBack(configurationId)) return
    throw new HubError(
      'ConfigurationAlreadyExists',
      `The configuration '${configurationId}' exists: a rollout brings a new one.`,
    )
  }
}

/** Rollouts change one after the other. */
const ALL = 'rollouts'

function notIn({ id, state }: Rollout, states: readonly RolloutState[]): HubError {
  return new HubError(
    'OperationNotAllowedInCurrentState',
    `The rollout ${id} is ${state}; this takes one that is ${states.join(' or ')}.`,
  )
}
