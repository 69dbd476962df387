import { type ConfigurationKeys, HubError, type JsonObject } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import type { Page } from '../data/finding-store.ts'
import type { Log } from '../log.ts'
import { securityGroupOf } from '../modules/security-group.ts'
import type { TwinPlatform } from '../platform.ts'
import type { DevicePosture } from '../posture/keeper.ts'
import { KeyedSerial } from '../serial.ts'
import type {
  ConfigurationStore,
  HistoryFilter,
  SettingChange,
  StoredHistoryEntry,
} from './configuration-store.ts'
import { describeConfiguration } from './describe.ts'
import {
  type FleetConfiguration,
  type FleetSettings,
  fleetConfiguration,
} from './fleet-configuration.ts'
import { Inheritance } from './inheritance.ts'
import { InheritanceKeeper } from './inheritance-keeper.ts'
import { type LayeredSettings, overlay } from './layers.ts'
import { type ModuleWrite, ModuleWriter, type Sighting } from './module-writer.ts'
import { type ConfigurationPlan, planPatch } from './plan.ts'
import { changesBetween } from './provenance.ts'
import { type Caller, refuseWithoutRight, SharedSettings } from './shared-settings.ts'

/** How often a configuration is planned anew because its twin changed in between. */
const MAX_WRITE_ATTEMPTS = 5

interface Ports {
  readonly platform: TwinPlatform
  readonly configurations: ConfigurationStore
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  readonly securityModuleId: string
  readonly keys: ConfigurationKeys
}

/** The configuration of agents: layers, what devices inherit, and each device's own settings. */
export class Configurations {
  /** Settings of the hub and of security groups. */
  readonly shared: SharedSettings
  readonly #ports: Ports
  readonly #keys: ConfigurationKeys
  readonly #securityModuleId: string
  readonly #posture: (deviceId: string) => Promise<DevicePosture>
  readonly #writer: ModuleWriter
  readonly #keeper: InheritanceKeeper
  readonly #turns = new KeyedSerial()

  /** @param posture  of a device; throws `DeviceNotFound`, `ModuleNotFound` */
  constructor(
    ports: Ports,
    { securityModuleId, keys }: Options,
    posture: (deviceId: string) => Promise<DevicePosture>,
  ) {
    this.#ports = ports
    this.#keys = keys
    this.#securityModuleId = securityModuleId
    this.#posture = posture
    this.#writer = new ModuleWriter(ports, keys)
    this.shared = new SharedSettings(ports, () => this.#keeper.rollOut())
    const options = { securityModuleId, keys }
    const inheritance = new Inheritance(ports, options, this.shared, this.#turns)
    this.#keeper = new InheritanceKeeper(ports, securityModuleId, this.shared, inheritance)
  }

  /** Begins to carry layers to devices. */
  start(): void {
    this.#keeper.start()
  }

  /** Ends after the devices under way; the next start goes on. */
  close(): Promise<void> {
    return this.#keeper.close()
  }

  /** @throws {HubError} `DeviceNotFound`; `ModuleNotFound` when it has no security module */
  async view(deviceId: string): Promise<object> {
    return this.describe(await this.#posture(deviceId))
  }

  /** The configuration of a device whose posture is known. */
  async describe(posture: DevicePosture): Promise<object> {
    const { module } = posture
    const sighting = await this.#writer.look(module)
    const { layered, securityGroup } = await this.#layersOf(posture, sighting)
    const keys = this.#keys
    return describeConfiguration({ posture, sighting, layered, securityGroup, keys })
  }

  /**
   * Writes settings into the desired properties of the security module twin, in its era's shape. They
   * are the device's own from then on, whatever its layers say.
   *
   * @param settings  by name; `null` goes back to what the layers say, or else to the default
   * @returns the configuration after the change, with warnings; already durable
   * @throws {HubError} `ArgumentInvalid` that lists every mistake; `GenericForbidden` for privileged
   *   settings without the right
   */
  async change(deviceId: string, settings: JsonObject, caller: Caller): Promise<object> {
    const plan = await this.#turns.run(deviceId, () => this.#change(deviceId, settings, caller))
    const { privileged, warnings } = plan
    const fields = { deviceId, by: caller.by, names: Object.keys(settings), privileged }
    this.#ports.log.info(fields, 'security configuration changed')
    return { ...(await this.view(deviceId)), warnings }
  }

  /** Settings of a fleet as an automatic configuration of the hub. @throws as `fleetConfiguration` */
  forFleet(settings: FleetSettings): FleetConfiguration {
    const securityModuleId = this.#securityModuleId
    return fleetConfiguration(settings, { securityModuleId, keys: this.#keys })
  }

  /** Changes of configurations, newest first. @throws {HubError} `ArgumentInvalid` */
  history(filter: HistoryFilter): Promise<Page<StoredHistoryEntry>> {
    return this.#ports.configurations.listHistory(filter)
  }

  /** @throws {HubError} `DeviceNotFound`; `ArgumentInvalid` */
  async deviceHistory(
    filter: HistoryFilter & { readonly deviceId: string },
  ): Promise<Page<StoredHistoryEntry>> {
    const tags = await this.#ports.platform.deviceTags(filter.deviceId)
    if (tags === undefined) throw new HubError('DeviceNotFound', filter.deviceId)
    return this.history(filter)
  }

  async #layersOf(
    { module }: DevicePosture,
    { era }: Sighting,
  ): Promise<{ readonly layered: LayeredSettings; readonly securityGroup: string }> {
    const tags = (await this.#ports.platform.deviceTags(module.ref.deviceId)) ?? {}
    const securityGroup = securityGroupOf(tags, module.tags)
    return { securityGroup, layered: await this.shared.layeredFor(era, securityGroup) }
  }

  async #change(
    deviceId: string,
    settings: JsonObject,
    caller: Caller,
  ): Promise<ConfigurationPlan> {
    for (let attempt = 1; ; attempt++) {
      const posture = await this.#posture(deviceId)
      const { module } = posture
      const sighting = await this.#writer.look(module)
      const { layered } = await this.#layersOf(posture, sighting)
      const inherited = overlay(layered.hub, layered.group)
      const plan = planPatch(module, settings, { keys: this.#keys, layered: inherited })
      refuseWithoutRight(plan.privileged, caller)
      try {
        // The plan holds the complete object, so nothing may have changed since it was read.
        await this.#writer.write(sighting, this.#writeOf(sighting, plan, { settings, caller }))
        return plan
      } catch (error) {
        // Postures are written into the tags of the same twin, so losing the race is ordinary.
        const isLost = error instanceof HubError && error.code === 'PreconditionFailed'
        if (!isLost || attempt === MAX_WRITE_ATTEMPTS) throw error
      }
    }
  }

  #writeOf(
    { module, era, memory }: Sighting,
    { desired, settings: after }: ConfigurationPlan,
    { settings, caller }: { readonly settings: JsonObject; readonly caller: Caller },
  ): ModuleWrite {
    const changes: readonly SettingChange[] = changesBetween(era, memory.seen, after)
    const about = { layer: 'device', by: caller.by, changes } as const
    // What was set here is nobody else's, also when it is the same; what is filled up is inherited.
    const isSet = (name: string) => (settings[name] ?? null) !== null
    const isFilled = (name: string) =>
      Object.hasOwn(settings, name) || changes.some((change) => change.name === name)
    const written = new Map(
      Object.entries(memory.written).filter(
        ([name]) => Object.hasOwn(after, name) || !Object.hasOwn(settings, name),
      ),
    )
    for (const [name, value] of Object.entries(after)) {
      if (isSet(name)) written.delete(name)
      else if (isFilled(name)) written.set(name, value)
    }
    return {
      desired,
      memory: { written: Object.fromEntries(written), seen: after },
      entry: this.#writer.entryFor(module.ref, about),
    }
  }
}
