import { type DeviceRef, HubError, type Identity } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { EtagCondition } from '../twins/etag.ts'
import type { AnnouncedModels } from './announced-models.ts'
import { Capacity } from './capacity.ts'
import { changeDevice } from './change-device.ts'
import { credentialIds } from './credential-ids.ts'
import { type Companions, type DeviceOrigin, EntryMaker, type TwinSeed } from './entry-maker.ts'
import type { HostNames } from './host-names.ts'
import {
  checkEtag,
  checkModelId,
  keptKeys,
  nextIdentity,
  withSubscriptions,
} from './identity-update.ts'
import type { IdentityWrite } from './identity-write.ts'
import { Lifecycle, type LifecyclePorts } from './lifecycle.ts'
import type { Entry, Registry, RegistryCounts } from './registry.ts'
import {
  authenticationOf,
  checkModuleCount,
  EDGE_MANAGER,
  EDGE_MODULE_IDS,
  isSystemModule,
  refuseSystemModule,
} from './system-modules.ts'

/** How an identity is replaced, beyond what a caller may set of it. */
export interface UpdateOptions {
  /**
   * It comes from an export: keys that it does not carry, and an edge device's own scope, stay as they
   * are.
   */
  readonly isRestored?: boolean
}

export interface IdentityPorts extends LifecyclePorts {
  readonly registry: Registry
  readonly clock: Clock
  /** Told of models as they are announced. */
  readonly models?: AnnouncedModels
}

/** Devices and modules: how they come, change and go. */
export class Identities {
  readonly #registry: Registry
  readonly #bus: EventBus
  readonly #clock: Clock
  readonly #lifecycle: Lifecycle
  readonly #models: AnnouncedModels | undefined
  readonly #hostNames: HostNames
  readonly #maker: EntryMaker
  readonly #capacity: Capacity

  constructor(ports: IdentityPorts, hostNames: HostNames, companions: Companions) {
    this.#registry = ports.registry
    this.#bus = ports.bus
    this.#clock = ports.clock
    this.#lifecycle = new Lifecycle(ports)
    this.#models = ports.models
    this.#hostNames = hostNames
    this.#maker = new EntryMaker(ports.clock, companions)
    this.#capacity = new Capacity(ports.registry)
  }

  /** @throws {HubError} `DeviceNotFound` or `ModuleNotFound` */
  async get(ref: DeviceRef): Promise<Entry> {
    return this.#found(ref, await this.#registry.find(ref))
  }

  async listDevices(limit: number, after?: string): Promise<readonly Entry[]> {
    return this.#registry.listDevices(limit, after)
  }

  /** As `Registry.listEntries`. */
  async listEntries(limit: number, after?: DeviceRef): Promise<readonly Entry[]> {
    return this.#registry.listEntries(limit, after)
  }

  /** @throws {HubError} `DeviceNotFound` */
  async listModules(deviceId: string): Promise<readonly Entry[]> {
    const modules = await this.#registry.listModules(deviceId)
    if (modules.length === 0) await this.get({ deviceId })
    return modules
  }

  async count(): Promise<RegistryCounts> {
    return this.#registry.count()
  }

  /**
   * Creates a device and, in the same write, the modules that it has from its first moment: those that
   * every device has, those of its origin, and the system modules of an edge device.
   *
   * @throws {HubError} `ArgumentInvalid`; `InvalidDeviceScope`; `DeviceAlreadyExists`;
   *   `TooManyDevices`; `TooManyModulesOnDevice`
   */
  async createDevice(
    deviceId: string,
    write: IdentityWrite,
    origin: DeviceOrigin = {},
  ): Promise<Entry> {
    const entries = this.#maker.device(deviceId, write, origin)
    checkModuleCount(entries.filter(({ ref }) => ref.moduleId !== undefined))
    const insert = () => this.#registry.insert(entries)
    if ((await this.#capacity.use(entries.length, insert)) !== 'inserted') {
      throw new HubError(
        'DeviceAlreadyExists',
        `A device with ID '${deviceId}' is already registered.`,
      )
    }
    await this.#lifecycle.created(entries)
    return entries[0]
  }

  /**
   * @throws {HubError} `ArgumentInvalid`; `DeviceNotFound`; `ModuleAlreadyExistsOnDevice`;
   *   `TooManyModulesOnDevice`; `TooManyDevices`
   */
  async createModule(
    ref: Required<DeviceRef>,
    write: IdentityWrite,
    twin?: TwinSeed,
  ): Promise<Entry> {
    refuseSystemModule(ref)
    return this.#addModule(this.#maker.module(ref, write, twin))
  }

  async #addModule(entry: Entry): Promise<Entry> {
    const { deviceId, moduleId = '' } = entry.ref
    const ref = { deviceId, moduleId }
    const outcome = await this.#lifecycle.withModules(ref.deviceId, async (siblings) => {
      if (siblings.every((sibling) => sibling.ref.moduleId !== ref.moduleId)) {
        checkModuleCount([...siblings, entry])
      }
      return this.#capacity.use(1, () => this.#registry.insert([entry]))
    })
    if (outcome !== 'inserted') throw this.#notInserted(ref, 'orphan' in outcome)
    await this.#lifecycle.created([entry])
    return entry
  }

  /**
   * Gives a device that was there before the modules that it gets when it registers through the
   * provisioning service; those that it has stay as they are.
   *
   * @throws {HubError} `DeviceNotFound`; `TooManyModulesOnDevice`; `TooManyDevices`
   */
  async provideCompanions(deviceId: string): Promise<void> {
    const siblings = await this.#registry.listModules(deviceId)
    const moduleIds = siblings.map(({ ref }) => ref.moduleId ?? '')
    for (const entry of this.#maker.companions({ deviceId, isEnrolled: true, moduleIds })) {
      try {
        await this.#addModule(entry)
      } catch (error) {
        const isThere = error instanceof HubError && error.code === 'ModuleAlreadyExistsOnDevice'
        if (!isThere) throw error
      }
    }
  }

  /**
   * A module as it would be created, for `DeviceOrigin.modules`.
   *
   * @throws {HubError} `ArgumentInvalid`
   */
  makeModule(ref: Required<DeviceRef>, write: IdentityWrite, twin?: TwinSeed): Entry {
    if (!EDGE_MODULE_IDS.includes(ref.moduleId)) refuseSystemModule(ref)
    const managedBy = isSystemModule(ref) ? { managedBy: EDGE_MANAGER } : {}
    return this.#maker.module(ref, { ...write, ...managedBy }, twin)
  }

  /**
   * Replaces what a caller may set. Absent authentication mints new keys (01 §4.1). When a device
   * becomes an edge device its system modules come in the same write, and go when it is none any more.
   *
   * @throws {HubError} `DeviceNotFound` or `ModuleNotFound`; `PreconditionFailed`; `ArgumentInvalid`;
   *   `InvalidDeviceScope`
   */
  async update(
    ref: DeviceRef,
    write: IdentityWrite,
    ifMatch: EtagCondition,
    { isRestored = false }: UpdateOptions = {},
  ): Promise<Entry> {
    const nowMs = this.#clock.now()
    const fresh = authenticationOf(write.authentication, ref)
    let before: Identity | undefined
    const decide = (old: Entry): Entry => {
      checkEtag(old, ifMatch)
      before = old.identity
      const authentication = isRestored ? keptKeys(old.identity, write, fresh) : fresh
      return {
        ...old,
        identity: { ...nextIdentity(old, write, nowMs, isRestored), authentication },
      }
    }
    // Sessions of what is good no more end at once, whatever becomes of events.
    const changed = ({ identity }: Entry) => this.#publishChange(ref, before, identity)
    if (ref.moduleId !== undefined) {
      const entry = await this.#registry.change(ref, decide)
      if (entry) changed(entry)
      return this.#found(ref, entry)
    }
    const wanted = write.iotEdge ? EDGE_MODULE_IDS.length : 0
    const ports = { registry: this.#registry, lifecycle: this.#lifecycle, maker: this.#maker }
    const entry = await this.#capacity.use(wanted, () =>
      changeDevice(ports, ref.deviceId, { decide, changed }),
    )
    return this.#found(ref, entry)
  }

  #publishChange(ref: DeviceRef, before: Identity | undefined, after: Identity): void {
    const { authentication, status } = after
    this.#bus.publish({
      kind: 'identity-changed',
      ref,
      disabled: status === 'disabled',
      credentialChanged: JSON.stringify(before?.authentication) !== JSON.stringify(authentication),
      credentialIds: credentialIds(authentication),
    })
  }

  /**
   * Removes a device with its modules, or a module.
   *
   * @throws {HubError} `DeviceNotFound` or `ModuleNotFound`; `PreconditionFailed`, also when `ifMatch`
   *   is absent (01 §4); `SystemModuleModifyUnauthorizedAccess`
   */
  async remove(ref: DeviceRef, ifMatch: EtagCondition): Promise<void> {
    if (ifMatch === undefined) {
      throw new HubError('PreconditionFailed', 'A delete needs an If-Match header: missing ETag.')
    }
    await this.#lifecycle.withTold(ref.deviceId, (modules) => this.#remove(ref, ifMatch, modules))
  }

  async #remove(ref: DeviceRef, ifMatch: EtagCondition, modules: readonly Entry[]): Promise<void> {
    let found: Entry | undefined
    const removed = await this.#registry.remove(ref, (entry) => {
      found = entry
      checkEtag(entry, ifMatch)
      if (isSystemModule(ref)) {
        throw new HubError(
          'SystemModuleModifyUnauthorizedAccess',
          `${ref.moduleId} goes when its device is no edge device any more.`,
        )
      }
    })
    if (removed.length === 0) await this.#found(ref, undefined)
    await this.#lifecycle.removed(removed, [...(found ? [found] : []), ...modules])
  }

  /**
   * A device says at connect which plug-and-play model it is; services see it in the twin. Moves no
   * etag.
   *
   * @throws {HubError} `DeviceNotFound` or `ModuleNotFound`; `ArgumentInvalid` for one that is too long
   */
  async announceModel(ref: DeviceRef, modelId: string): Promise<void> {
    checkModelId(modelId)
    this.#models?.announced(ref, modelId)
    const entry = await this.#registry.change(ref, (old) =>
      old.identity.modelId === modelId ? old : { ...old, identity: { ...old.identity, modelId } },
    )
    await this.#found(ref, entry)
  }

  /**
   * Keeps what a persistent MQTT session is subscribed to, as its gateway packs it; `undefined` ends
   * the session. Moves no etag; writes only what is new.
   *
   * @throws {HubError} `DeviceNotFound` or `ModuleNotFound`
   */
  async rememberSubscriptions(ref: DeviceRef, subscriptions: number | undefined): Promise<void> {
    const entry = await this.#registry.change(ref, (old) => withSubscriptions(old, subscriptions))
    await this.#found(ref, entry)
  }

  /** A module that is missing may be missing because its device is. */
  async #found(ref: DeviceRef, entry: Entry | undefined): Promise<Entry> {
    if (entry) return entry
    const { deviceId, moduleId } = ref
    if (moduleId !== undefined && (await this.#registry.find({ deviceId }))) {
      throw new HubError('ModuleNotFound', moduleId)
    }
    throw new HubError('DeviceNotFound', deviceId)
  }

  #notInserted({ deviceId, moduleId }: Required<DeviceRef>, isOrphan: boolean): HubError {
    if (isOrphan) return new HubError('DeviceNotFound', deviceId)
    return new HubError(
      'ModuleAlreadyExistsOnDevice',
      `Device ${deviceId} in IotHub ${this.#hostNames.hubName} already contains Module ${moduleId}.`,
    )
  }
}
