import { type DeviceRef, HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Configuration } from '../configurations/configuration.ts'
import type { Log } from '../log.ts'
import { isOver, MAX_STEPS, type Rollout, type RolloutState } from './rollout.ts'
import { MAX_ROLLOUTS, type RolloutStore } from './rollout-store.ts'
import { placeOf, waveAt } from './waves.ts'

interface Ports {
  readonly store: RolloutStore
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

/** All rollouts as they are stored, and which of them hold a configuration back. */
export class RolloutBook {
  readonly #ports: Ports
  readonly #byId = new Map<string, Rollout>()
  /** Those that hold their configuration back from some of its targets. */
  readonly #gates = new Map<string, Rollout>()

  constructor(ports: Ports) {
    this.#ports = ports
  }

  async load(): Promise<void> {
    for (const rollout of await this.#ports.store.list()) this.#hold(rollout)
  }

  get all(): readonly Rollout[] {
    return [...this.#byId.values()]
  }

  /** Those under way. */
  get gates(): readonly Rollout[] {
    return [...this.#gates.values()]
  }

  get(id: string): Rollout | undefined {
    return this.#byId.get(id)
  }

  /** @throws {HubError} `GenericNotFound` */
  find(id: string): Rollout {
    const rollout = this.#byId.get(id)
    if (rollout) return rollout
    throw new HubError('GenericNotFound', `There is no rollout '${id.slice(0, 128)}'.`)
  }

  holdsBack(configurationId: string): boolean {
    return this.#gates.has(configurationId)
  }

  /** Whether a twin may have a configuration yet: the number of its wave, from 0, if it may. */
  mayApply({ id }: Pick<Configuration, 'id'>, ref: DeviceRef): boolean | number {
    const gate = this.#gates.get(id)
    if (!gate) return true
    const wave = waveAt(gate.waves, placeOf(gate.id, ref))
    return wave >= 0 && wave <= gate.wave ? wave : false
  }

  /** Durable, with a step of its history, before it takes effect. */
  async move(
    rollout: Rollout,
    state: RolloutState,
    { by, note = '' }: { readonly by: string; readonly note?: string },
  ): Promise<void> {
    const timeMs = this.#ports.clock.now()
    const step = { timeMs, state, wave: rollout.wave, by, note }
    const history = [...rollout.history, step].slice(-MAX_STEPS)
    await this.save({ ...rollout, state, history })
    const { id, configurationId } = rollout
    this.#ports.log.info({ rollout: id, configurationId, state, wave: rollout.wave, by }, 'rollout')
  }

  async save(rollout: Rollout): Promise<void> {
    const saved = { ...rollout, updatedMs: this.#ports.clock.now() }
    await this.#ports.store.save(saved)
    this.#hold(saved)
  }

  async remove(id: string): Promise<void> {
    await this.#ports.store.remove(id)
    this.#byId.delete(id)
  }

  /** The oldest that is over makes room. @throws {HubError} `IotHubQuotaExceeded` */
  async makeRoom(): Promise<void> {
    if (this.#byId.size < MAX_ROLLOUTS) return
    const over = this.all.filter(isOver)
    const oldest = over.sort((a, b) => a.updatedMs - b.updatedMs)[0]
    if (!oldest) {
      throw new HubError('IotHubQuotaExceeded', `${MAX_ROLLOUTS} rollouts are under way.`)
    }
    await this.remove(oldest.id)
  }

  #hold(rollout: Rollout): void {
    this.#byId.set(rollout.id, rollout)
    const { configurationId } = rollout
    if (isOver(rollout)) {
      if (this.#gates.get(configurationId)?.id === rollout.id) this.#gates.delete(configurationId)
    } else this.#gates.set(configurationId, rollout)
  }
}
