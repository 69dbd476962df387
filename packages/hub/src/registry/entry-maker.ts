import { randomBytes } from 'node:crypto'
import {
  type DeviceRef,
  HubError,
  type Identity,
  isValidId,
  type JsonObject,
  MAX_PROPERTIES_BYTES,
  MAX_TAGS_BYTES,
} from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import { emptySection, patchTags, replaceSection } from '../twins/patch.ts'
import { deviceSettings, type IdentityWrite, moduleSettings } from './identity-write.ts'
import type { Entry } from './registry.ts'
import { scopesOfNew, scopesOfRestored } from './scopes.ts'
import { authenticationOf, EDGE_MANAGER, EDGE_MODULE_IDS } from './system-modules.ts'

/** What a new twin starts with. */
export interface TwinSeed {
  readonly tags: JsonObject
  readonly desired: JsonObject
}

/** A module that is created together with its device, with these sections in its twin. */
export interface ModuleSeed extends TwinSeed {
  readonly moduleId: string
}

/** A device for which companions are asked. */
export interface CompanionDevice {
  readonly deviceId: string
  /** Whether it comes, or has come, through the provisioning service. */
  readonly isEnrolled: boolean
  /** The modules that it has, or is created with. */
  readonly moduleIds: readonly string[]
}

/** Which modules a new device gets in the same write. */
export type Companions = (device: CompanionDevice) => readonly ModuleSeed[]

/** How a device is created, beyond what a caller may set of it. */
export interface DeviceOrigin {
  /** Default: an empty twin. */
  readonly twin?: TwinSeed
  /** Its modules as they shall be; companions and system modules that are not here get defaults. */
  readonly modules?: readonly Entry[]
  /** It registers through the provisioning service. */
  readonly isEnrolled?: boolean
  /** It comes from an export: an edge device keeps the scope that it had (01 §6). */
  readonly isRestored?: boolean
}

const EMPTY_TWIN: TwinSeed = { tags: {}, desired: {} }

/** Identity etags start anywhere but at zero, as IoT Hub's do; only equality matters. */
const FIRST_ETAG = 1
/** 0001-01-01 to 1970-01-01 in ticks of 100 ns. */
const EPOCH_TICKS = 621_355_968_000_000_000n
const TICKS_PER_MS = 10_000n

/** Makes identities with their twins; they are not in the registry yet. */
export class EntryMaker {
  readonly #clock: Clock
  readonly #companions: Companions
  #lastGeneration = 0n

  constructor(clock: Clock, companions: Companions) {
    this.#clock = clock
    this.#companions = companions
  }

  /**
   * A device, first, and the modules that it has from its first moment.
   *
   * @throws {HubError} `ArgumentInvalid`; `InvalidDeviceScope`
   */
  device(
    deviceId: string,
    write: IdentityWrite,
    { twin = EMPTY_TWIN, modules = [], isEnrolled = false, isRestored = false }: DeviceOrigin = {},
  ): readonly [Entry, ...Entry[]] {
    const generationId = this.#nextGeneration()
    const scopes = (isRestored ? scopesOfRestored : scopesOfNew)(deviceId, write, generationId)
    const settings = { ...deviceSettings(write), ...scopes }
    const device = this.#entry({ deviceId }, { write, settings, twin, generationId })
    const given = new Set(modules.map(({ ref }) => ref.moduleId ?? ''))
    const companions = this.companions({ deviceId, isEnrolled, moduleIds: [...given] })
    const system = settings.iotEdge ? this.edgeModules(deviceId) : []
    const missing = system.filter(({ ref }) => !given.has(ref.moduleId ?? ''))
    return [device, ...modules, ...companions, ...missing]
  }

  /** What is missing of the modules that such a device gets. */
  companions(device: CompanionDevice): readonly Entry[] {
    const { deviceId, moduleIds } = device
    const seeds = this.#companions(device).filter(({ moduleId }) => !moduleIds.includes(moduleId))
    return seeds.map((seed) => this.module({ ...seed, deviceId }, {}, seed))
  }

  /** @throws {HubError} `ArgumentInvalid` */
  module(ref: Required<DeviceRef>, write: IdentityWrite, twin: TwinSeed = EMPTY_TWIN): Entry {
    const { deviceId, moduleId } = ref
    const settings = moduleSettings(write)
    const generationId = this.#nextGeneration()
    return this.#entry({ deviceId, moduleId }, { write, settings, twin, generationId })
  }

  /** `$edgeAgent` and `$edgeHub` of an edge device (01 §2). */
  edgeModules(deviceId: string): readonly Entry[] {
    return EDGE_MODULE_IDS.map((moduleId) =>
      this.module({ deviceId, moduleId }, { managedBy: EDGE_MANAGER }),
    )
  }

  #entry(
    ref: DeviceRef,
    {
      write,
      settings,
      twin,
      generationId,
    }: {
      readonly write: IdentityWrite
      readonly settings: Pick<Identity, 'status' | 'statusReason' | 'iotEdge' | 'managedBy'>
      readonly twin: TwinSeed
      readonly generationId: string
    },
  ): Entry {
    for (const id of [ref.deviceId, ref.moduleId]) {
      if (id !== undefined && !isValidId(id)) {
        throw new HubError('ArgumentInvalid', `The id '${id.slice(0, 128)}' is not valid.`)
      }
    }
    return {
      ref,
      identity: {
        generationId,
        etag: FIRST_ETAG + randomBytes(4).readUInt32BE(0),
        ...settings,
        statusUpdatedTimeMs: 0,
        connectionStateUpdatedTimeMs: 0,
        lastActivityTimeMs: 0,
        authentication: authenticationOf(write.authentication, ref),
        modelId: '',
      },
      twin: newTwin(twin, this.#clock.now()),
    }
  }

  /** Ticks of 100 ns, as IoT Hub's look; never the same twice in this process. */
  #nextGeneration(): string {
    const ticks = BigInt(this.#clock.now()) * TICKS_PER_MS + EPOCH_TICKS
    this.#lastGeneration = ticks > this.#lastGeneration ? ticks : this.#lastGeneration + 1n
    return String(this.#lastGeneration)
  }
}

function newTwin({ tags, desired }: TwinSeed, nowMs: number): Entry['twin'] {
  const section = emptySection(nowMs)
  const isEmpty = Object.keys(desired).length === 0
  return {
    etag: 1,
    version: 2,
    tags: patchTags({}, tags, MAX_TAGS_BYTES),
    desired: isEmpty
      ? section
      : replaceSection({ ...section, version: 0 }, desired, nowMs, MAX_PROPERTIES_BYTES),
    reported: section,
  }
}
