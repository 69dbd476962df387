import { type ConfigurationKeys, HubError } from '@twinward/protocol'
import type { Log } from '../log.ts'
import { pickLogicalModule, securityModules } from '../modules/logical.ts'
import { securityGroupOf } from '../modules/security-group.ts'
import { OPERATOR_STATE_TAG } from '../modules/state.ts'
import type { PlatformModule } from '../platform.ts'
import type { KeyedSerial } from '../serial.ts'
import { planInheritance } from './inherit.ts'
import { ModuleWriter, type WriterPorts } from './module-writer.ts'
import type { SharedSettings } from './shared-settings.ts'

/** How often a module is looked at anew because its twin changed in between. */
const MAX_WRITE_ATTEMPTS = 5

/** Who writes what layers say. */
const SERVICE = 'twinward'

export interface InheritanceOptions {
  readonly securityModuleId: string
  readonly keys: ConfigurationKeys
}

/** Gives devices what their layers say, and notes what others have written. */
export class Inheritance {
  readonly #ports: WriterPorts & { readonly log: Log }
  readonly #options: InheritanceOptions
  readonly #shared: SharedSettings
  readonly #turns: KeyedSerial
  readonly #writer: ModuleWriter

  /** @param turns  of devices: whoever writes a configuration waits for the one before */
  constructor(
    ports: WriterPorts & { readonly log: Log },
    options: InheritanceOptions,
    shared: SharedSettings,
    turns: KeyedSerial,
  ) {
    this.#ports = ports
    this.#options = options
    this.#shared = shared
    this.#turns = turns
    this.#writer = new ModuleWriter(ports, options.keys)
  }

  /**
   * Looks at every security module of a device. A device that does not exist is forgotten.
   *
   * @returns how many twins were written
   * @throws {HubError} what the platform or the store refuse
   */
  inherit(deviceId: string): Promise<number> {
    return this.#turns.run(deviceId, () => this.#inherit(deviceId))
  }

  /** The device is gone: nothing is remembered of it. */
  forget(deviceId: string): Promise<void> {
    const { platform, configurations } = this.#ports
    return this.#turns.run(deviceId, async () => {
      // It may be there again by now.
      if ((await platform.deviceTags(deviceId)) === undefined) {
        await configurations.removeDevice(deviceId)
      }
    })
  }

  async #inherit(deviceId: string): Promise<number> {
    const { platform } = this.#ports
    for (let attempt = 1; ; attempt++) {
      const [modules, tags] = await Promise.all([
        platform.listModules(deviceId),
        platform.deviceTags(deviceId),
      ])
      if (modules === undefined || tags === undefined) return 0
      try {
        const { securityModuleId } = this.#options
        const group = securityGroupOf(tags, pickLogicalModule(modules, securityModuleId)?.tags)
        let written = 0
        for (const module of securityModules(modules, securityModuleId)) {
          if (await this.#inheritModule(module, group)) written++
        }
        return written
      } catch (error) {
        // Postures are written into the tags of the same twin, so losing the race is ordinary.
        const isLost = error instanceof HubError && error.code === 'PreconditionFailed'
        if (!isLost || attempt === MAX_WRITE_ATTEMPTS) throw error
      }
    }
  }

  async #inheritModule(module: PlatformModule, group: string): Promise<boolean> {
    const { keys } = this.#options
    // Its switches are off for a while, and go back to what is remembered of them now.
    if (module.tags[OPERATOR_STATE_TAG] === 'suspended') return false
    const sighting = await this.#writer.look(module)
    const layered = await this.#shared.layeredFor(sighting.era, group)
    const plan = planInheritance(module, layered, sighting.record, keys)
    // What is out of service stays as it was.
    const isRetired = module.tags[OPERATOR_STATE_TAG] === 'retired'
    if (plan?.desired === undefined || isRetired) {
      const memory = isRetired ? undefined : plan?.memory
      await this.#writer.note(sighting, memory ?? sighting.memory)
      return false
    }
    const { desired, memory, changes } = plan
    const entry = this.#writer.entryFor(module.ref, { layer: 'inherited', by: SERVICE, changes })
    await this.#writer.write(sighting, { desired, memory, entry })
    return true
  }
}
