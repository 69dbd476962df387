import { type DeviceRef, HubError, type Identity, MAX_MODULES_PER_DEVICE } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import { Turns } from '../messages/turns.ts'
import type { EtagCondition } from '../twins/etag.ts'
import { Capacity } from './capacity.ts'
import { credentialIds } from './credential-ids.ts'
import { type Companions, type DeviceOrigin, EntryMaker, type TwinSeed } from './entry-maker.ts'
import type { HostNames } from './host-names.ts'
import { checkEtag, keptKeys, nextIdentity } from './identity-update.ts'
import type { IdentityWrite } from './identity-write.ts'
import type { DeviceChange, Entry, Registry, RegistryCounts } from './registry.ts'
import {
  authenticationOf,
  EDGE_MANAGER,
  EDGE_MODULE_IDS,
  edgeChange,
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

/** Longest plug-and-play model id that is kept. */
const MAX_MODEL_ID_CHARACTERS = 256

/** Devices and modules: how they come, change and go. */
export class Identities {
  readonly #registry: Registry
  readonly #bus: EventBus
  readonly #clock: Clock
  readonly #hostNames: HostNames
  readonly #maker: EntryMaker
  readonly #capacity: Capacity
  /** Modules of one device are created one after the other, or their limit would not hold. */
  readonly #moduleTurns = new Turns()

  constructor(
    ports: { registry: Registry; bus: EventBus; clock: Clock },
    hostNames: HostNames,
    companions: Companions,
  ) {
    this.#registry = ports.registry
    this.#bus = ports.bus
    this.#clock = ports.clock
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
    for (const { ref } of entries) this.#bus.publish({ kind: 'identity-created', ref })
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
    const entry = this.#maker.module(ref, write, twin)
    const outcome = await this.#moduleTurns.run(ref.deviceId, async () => {
      const siblings = await this.#registry.listModules(ref.deviceId)
      if (siblings.every((sibling) => sibling.ref.moduleId !== ref.moduleId)) {
        checkModuleCount([...siblings, entry])
      }
      return this.#capacity.use(1, () => this.#registry.insert([entry]))
    })
    if (outcome !== 'inserted') throw this.#notInserted(ref, 'orphan' in outcome)
    this.#bus.publish({ kind: 'identity-created', ref: entry.ref })
    return entry
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
    const wanted = write.iotEdge && ref.moduleId === undefined ? EDGE_MODULE_IDS.length : 0
    const entry = await this.#capacity.use(wanted, () =>
      ref.moduleId === undefined
        ? this.#changeDevice(ref.deviceId, decide)
        : this.#registry.change(ref, decide),
    )
    const after = await this.#found(ref, entry)
    const { authentication, status } = after.identity
    this.#bus.publish({
      kind: 'identity-changed',
      ref,
      disabled: status === 'disabled',
      credentialChanged: JSON.stringify(before?.authentication) !== JSON.stringify(authentication),
      credentialIds: credentialIds(authentication),
    })
    return after
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
    const removed = await this.#registry.remove(ref, (entry) => {
      checkEtag(entry, ifMatch)
      if (isSystemModule(ref)) {
        throw new HubError(
          'SystemModuleModifyUnauthorizedAccess',
          `${ref.moduleId} goes when its device is no edge device any more.`,
        )
      }
    })
    if (removed.length === 0) await this.#found(ref, undefined)
    for (const gone of removed) this.#bus.publish({ kind: 'identity-removed', ref: gone })
  }

  /**
   * A device says at connect which plug-and-play model it is; services see it in the twin. Moves no
   * etag.
   *
   * @throws {HubError} `DeviceNotFound` or `ModuleNotFound`; `ArgumentInvalid` for one that is too long
   */
  async announceModel(ref: DeviceRef, modelId: string): Promise<void> {
    if (modelId.length > MAX_MODEL_ID_CHARACTERS) {
      throw new HubError(
        'ArgumentInvalid',
        `A model id may have ${MAX_MODEL_ID_CHARACTERS} characters.`,
      )
    }
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
    const entry = await this.#registry.change(ref, (old) => {
      const { mqttSession, ...identity } = old.identity
      if (mqttSession === subscriptions) return old
      if (subscriptions === undefined) return { ...old, identity }
      return { ...old, identity: { ...identity, mqttSession: subscriptions } }
    })
    await this.#found(ref, entry)
  }

  async #changeDevice(deviceId: string, decide: (old: Entry) => Entry): Promise<Entry | undefined> {
    let edge: ReturnType<typeof edgeChange> = 'stays'
    const change = (old: Entry): DeviceChange => {
      const device = decide(old)
      edge = edgeChange(old.identity, device.identity)
      if (edge === 'comes') return { device, added: this.#maker.edgeModules(deviceId) }
      return edge === 'goes' ? { device, removed: EDGE_MODULE_IDS } : { device }
    }
    const device = await this.#registry.changeDevice(deviceId, change)
    if (edge === 'stays') return device
    const kind = edge === 'comes' ? 'identity-created' : 'identity-removed'
    for (const moduleId of EDGE_MODULE_IDS) {
      this.#bus.publish({ kind, ref: { deviceId, moduleId } })
    }
    return device
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

/** System modules come on their own and do not count (01 §2). */
function checkModuleCount(modules: readonly Entry[]): void {
  const count = modules.filter(({ ref }) => !isSystemModule(ref)).length
  if (count <= MAX_MODULES_PER_DEVICE) return
  throw new HubError(
    'TooManyModulesOnDevice',
    `A device may have ${MAX_MODULES_PER_DEVICE} modules.`,
  )
}
