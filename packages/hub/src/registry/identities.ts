import { randomBytes } from 'node:crypto'
import {
  type DeviceRef,
  type DeviceStatus,
  HubError,
  type Identity,
  isValidId,
  type JsonObject,
  MAX_IDENTITIES,
  MAX_MODULES_PER_DEVICE,
  MAX_PROPERTIES_BYTES,
  MAX_STATUS_REASON_CHARACTERS,
  MAX_TAGS_BYTES,
} from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import { type EtagCondition, etagMatches, formatIdentityEtag } from '../twins/etag.ts'
import { emptySection, patchTags, replaceSection } from '../twins/patch.ts'
import { type AuthenticationWrite, resolveAuthentication } from './authentication.ts'
import type { HostNames } from './host-names.ts'
import type { Entry, Registry, RegistryCounts } from './registry.ts'

/** What a caller may set of an identity; what is absent gets its default, on update too (01 §4.1). */
export interface IdentityWrite {
  readonly status?: DeviceStatus
  readonly statusReason?: string | null
  readonly authentication?: AuthenticationWrite
  readonly iotEdge?: boolean
  readonly managedBy?: string
}

/** A module that is created together with its device, with these sections in its twin. */
export interface ModuleSeed {
  readonly moduleId: string
  readonly tags: JsonObject
  readonly desired: JsonObject
}

/** Which modules every new device gets in the same write. */
export type Companions = (deviceId: string) => readonly ModuleSeed[]

/** Longest plug-and-play model id that is kept. */
const MAX_MODEL_ID_CHARACTERS = 256

/** Identity etags start anywhere but at zero, as IoT Hub's do; only equality matters. */
const FIRST_ETAG = 1

/** Devices and modules: how they come, change and go. */
export class Identities {
  readonly #registry: Registry
  readonly #bus: EventBus
  readonly #clock: Clock
  readonly #hostNames: HostNames
  readonly #companions: Companions
  #lastGeneration = 0n

  constructor(
    ports: { registry: Registry; bus: EventBus; clock: Clock },
    hostNames: HostNames,
    companions: Companions,
  ) {
    this.#registry = ports.registry
    this.#bus = ports.bus
    this.#clock = ports.clock
    this.#hostNames = hostNames
    this.#companions = companions
  }

  /** @throws {HubError} `DeviceNotFound` or `ModuleNotFound` */
  async get(ref: DeviceRef): Promise<Entry> {
    return found(ref, await this.#registry.find(ref))
  }

  async listDevices(limit: number, after?: string): Promise<readonly Entry[]> {
    return this.#registry.listDevices(limit, after)
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
   * Creates a device and, in the same write, the modules that every device has.
   *
   * @throws {HubError} `ArgumentInvalid`; `DeviceAlreadyExists`; `TooManyDevices`
   */
  async createDevice(deviceId: string, write: IdentityWrite): Promise<Entry> {
    const ref = { deviceId }
    const device = this.#newEntry(ref, write, { tags: {}, desired: {} })
    const modules = this.#companions(deviceId).map((seed) =>
      this.#newEntry({ deviceId, moduleId: seed.moduleId }, {}, seed),
    )
    await this.#checkRoom(1 + modules.length)
    const outcome = await this.#registry.insert([device, ...modules])
    if (outcome !== 'inserted') {
      throw new HubError(
        'DeviceAlreadyExists',
        `A device with ID '${deviceId}' is already registered.`,
      )
    }
    for (const entry of [device, ...modules]) this.#tellCreated(entry.ref)
    return device
  }

  /**
   * @throws {HubError} `ArgumentInvalid`; `DeviceNotFound`; `ModuleAlreadyExistsOnDevice`;
   *   `TooManyModulesOnDevice`
   */
  async createModule(
    ref: Required<DeviceRef>,
    write: IdentityWrite,
    seed: Omit<ModuleSeed, 'moduleId'> = { tags: {}, desired: {} },
  ): Promise<Entry> {
    if (ref.moduleId.startsWith('$')) {
      throw new HubError('ArgumentInvalid', 'Module ids that begin with $ are reserved.')
    }
    const entry = this.#newEntry(ref, write, seed)
    await this.#checkRoom(1)
    const siblings = await this.#registry.listModules(ref.deviceId)
    if (siblings.length >= MAX_MODULES_PER_DEVICE) {
      throw new HubError(
        'TooManyModulesOnDevice',
        `A device may have ${MAX_MODULES_PER_DEVICE} modules.`,
      )
    }
    const outcome = await this.#registry.insert([entry])
    if (outcome !== 'inserted') throw this.#notInserted(ref, 'orphan' in outcome)
    this.#tellCreated(ref)
    return entry
  }

  /**
   * Replaces what a caller may set. Absent authentication mints new keys (01 §4.1).
   *
   * @throws {HubError} `DeviceNotFound` or `ModuleNotFound`; `PreconditionFailed`; `ArgumentInvalid`
   */
  async update(ref: DeviceRef, write: IdentityWrite, ifMatch: EtagCondition): Promise<Entry> {
    const nowMs = this.#clock.now()
    const authentication = resolveAuthentication(write.authentication, ref)
    let before: Identity | undefined
    const entry = await this.#registry.change(ref, (old) => {
      checkEtag(old, ifMatch)
      before = old.identity
      const next = settings(write, ref)
      const identity: Identity = {
        ...old.identity,
        ...next,
        authentication,
        etag: old.identity.etag + 1,
        statusUpdatedTimeMs:
          next.status === old.identity.status ? old.identity.statusUpdatedTimeMs : nowMs,
      }
      return { ...old, identity }
    })
    const after = found(ref, entry)
    this.#bus.publish({
      kind: 'identity-changed',
      ref,
      disabled: after.identity.status === 'disabled',
      credentialChanged: JSON.stringify(before?.authentication) !== JSON.stringify(authentication),
    })
    return after
  }

  /**
   * Removes a device with its modules, or a module.
   *
   * @throws {HubError} `DeviceNotFound` or `ModuleNotFound`; `PreconditionFailed`, also when `ifMatch`
   *   is absent (01 §4)
   */
  async remove(ref: DeviceRef, ifMatch: EtagCondition): Promise<void> {
    if (ifMatch === undefined) {
      throw new HubError('PreconditionFailed', 'A delete needs an If-Match header: missing ETag.')
    }
    const removed = await this.#registry.remove(ref, (entry) => checkEtag(entry, ifMatch))
    if (removed.length === 0) found(ref, undefined)
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
    found(ref, entry)
  }

  #newEntry(
    ref: DeviceRef,
    write: IdentityWrite,
    { tags, desired }: Omit<ModuleSeed, 'moduleId'>,
  ): Entry {
    for (const id of [ref.deviceId, ref.moduleId]) {
      if (id !== undefined && !isValidId(id)) {
        throw new HubError('ArgumentInvalid', `The id '${id.slice(0, 128)}' is not valid.`)
      }
    }
    const nowMs = this.#clock.now()
    const section = emptySection(nowMs)
    return {
      ref,
      identity: {
        generationId: this.#nextGeneration(),
        etag: FIRST_ETAG + randomBytes(4).readUInt32BE(0),
        ...settings(write, ref),
        statusUpdatedTimeMs: 0,
        connectionStateUpdatedTimeMs: 0,
        lastActivityTimeMs: 0,
        authentication: resolveAuthentication(write.authentication, ref),
        modelId: '',
      },
      twin: {
        etag: 1,
        version: 2,
        tags: patchTags({}, tags, MAX_TAGS_BYTES),
        desired:
          Object.keys(desired).length === 0
            ? section
            : replaceSection({ ...section, version: 0 }, desired, nowMs, MAX_PROPERTIES_BYTES),
        reported: section,
      },
    }
  }

  /** Ticks of 100 ns, as IoT Hub's look; never the same twice in this process. */
  #nextGeneration(): string {
    const ticks = BigInt(this.#clock.now()) * 10_000n + 621_355_968_000_000_000n
    this.#lastGeneration = ticks > this.#lastGeneration ? ticks : this.#lastGeneration + 1n
    return String(this.#lastGeneration)
  }

  async #checkRoom(wanted: number): Promise<void> {
    const { devices, modules } = await this.#registry.count()
    if (devices + modules + wanted > MAX_IDENTITIES) {
      throw new HubError('TooManyDevices', `A hub holds ${MAX_IDENTITIES} devices and modules.`)
    }
  }

  #notInserted({ deviceId, moduleId }: Required<DeviceRef>, isOrphan: boolean): HubError {
    if (isOrphan) return new HubError('DeviceNotFound', deviceId)
    return new HubError(
      'ModuleAlreadyExistsOnDevice',
      `Device ${deviceId} in IotHub ${this.#hostNames.hubName} already contains Module ${moduleId}.`,
    )
  }

  #tellCreated(ref: DeviceRef): void {
    this.#bus.publish({ kind: 'identity-created', ref })
  }
}

function settings(
  write: IdentityWrite,
  { moduleId }: DeviceRef,
): Pick<Identity, 'status' | 'statusReason' | 'iotEdge' | 'managedBy'> {
  const { statusReason = null, iotEdge = false, managedBy = '' } = write
  // A module has no status of its own: disabling its device disables it (01 §2).
  const status = moduleId === undefined ? (write.status ?? 'enabled') : 'enabled'
  for (const [name, text] of Object.entries({ statusReason, managedBy })) {
    if (text !== null && text.length > MAX_STATUS_REASON_CHARACTERS) {
      throw new HubError(
        'ArgumentInvalid',
        `${name} may have ${MAX_STATUS_REASON_CHARACTERS} characters.`,
      )
    }
  }
  return { status, statusReason, iotEdge, managedBy }
}

function checkEtag({ identity }: Entry, ifMatch: EtagCondition): void {
  if (etagMatches(ifMatch, formatIdentityEtag(identity.etag))) return
  throw new HubError('PreconditionFailed', 'PreconditionFailed, ETag may be invalid.')
}

function found(ref: DeviceRef, entry: Entry | undefined): Entry {
  if (entry) return entry
  if (ref.moduleId === undefined) throw new HubError('DeviceNotFound', ref.deviceId)
  throw new HubError('ModuleNotFound', ref.moduleId)
}
