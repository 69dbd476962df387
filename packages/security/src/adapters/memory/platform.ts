import { createHash } from 'node:crypto'
import {
  type DeviceRef,
  HubError,
  type JsonObject,
  MAX_PROPERTIES_BYTES,
  MAX_TAGS_BYTES,
  refKey,
  SECURITY_INTERFACE_ID,
} from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import type {
  CredentialMark,
  CredentialMarkPage,
  ModuleMarkPage,
  PlatformModule,
  PlatformNotice,
  SecurityMessage,
  TwinPatchRequest,
  TwinPlatform,
} from '../../platform.ts'
import { twinBytes } from '../../posture/twin-bytes.ts'
import { MemoryHubActivity } from './hub-activity.ts'
import { MemoryHubSetup } from './hub-setup.ts'
import { mergePatch } from './merge.ts'

/** Marks of one page. */
const PAGE_MARKS = 100
/** Messages kept until they are released. */
const MAX_MESSAGES = 100_000

interface Device {
  readonly generation: string
  /** By module id; '' is the device itself. */
  readonly credentials: Map<string, CredentialMark['credentials']>
  tags: JsonObject
  readonly modules: Map<string, PlatformModule>
}

/** A platform of its own for unit tests: a hub's worth of twins, nothing durable. */
export class MemoryPlatform implements TwinPlatform {
  readonly activity: MemoryHubActivity
  readonly hubSetup = new MemoryHubSetup()
  readonly #clock: Clock
  readonly #devices = new Map<string, Device>()
  readonly #listeners = new Set<(notice: PlatformNotice) => void>()
  #messages: SecurityMessage[] = []
  #sequence = 0
  #etag = 0
  #generation = 0

  constructor(clock: Clock) {
    this.activity = new MemoryHubActivity(clock, () => this.#tell({ kind: 'hub-event' }))
    this.#clock = clock
  }

  async listDevices(limit: number, after = ''): Promise<readonly string[]> {
    const ids = [...this.#devices.keys()].sort()
    return ids.filter((id) => id > after).slice(0, limit)
  }

  async listModuleMarks(moduleIds: readonly string[], after = ''): Promise<ModuleMarkPage> {
    const marks = []
    for (const deviceId of [...this.#devices.keys()].sort()) {
      const modules = [...(this.#devices.get(deviceId)?.modules.values() ?? [])]
      marks.push(...modules.filter(({ ref }) => moduleIds.includes(ref.moduleId)))
    }
    const left = marks.filter(({ ref }) => refKey(ref) > after)
    const page = left.sort((a, b) => (refKey(a.ref) < refKey(b.ref) ? -1 : 1)).slice(0, PAGE_MARKS)
    const last = page.at(-1)
    return { marks: page, ...(last && left.length > page.length && { next: refKey(last.ref) }) }
  }

  async listCredentialMarks(after = ''): Promise<CredentialMarkPage> {
    const ids = [...this.#devices.keys()].sort().filter((id) => id > after)
    const page = ids.slice(0, PAGE_MARKS)
    const marks = page.flatMap((id) => this.#credentialsOf(id) ?? [])
    const last = page.at(-1)
    return { marks, ...(last !== undefined && ids.length > page.length && { next: last }) }
  }

  async credentialMarks(deviceId: string): Promise<readonly CredentialMark[] | undefined> {
    return this.#credentialsOf(deviceId)
  }

  async deviceGeneration(deviceId: string): Promise<string | undefined> {
    return this.#devices.get(deviceId)?.generation
  }

  async listModules(deviceId: string): Promise<readonly PlatformModule[] | undefined> {
    const device = this.#devices.get(deviceId)
    return device && [...device.modules.values()]
  }

  async findModule({ deviceId, moduleId }: Required<DeviceRef>) {
    return this.#devices.get(deviceId)?.modules.get(moduleId)
  }

  async deviceTags(deviceId: string): Promise<JsonObject | undefined> {
    return this.#devices.get(deviceId)?.tags
  }

  async createModule(ref: Required<DeviceRef>, seed: TwinPatchRequest): Promise<PlatformModule> {
    const device = this.#devices.get(ref.deviceId)
    if (device === undefined) {
      throw new HubError('DeviceNotFound', `There is no device ${ref.deviceId}.`)
    }
    if (device.modules.has(ref.moduleId)) {
      throw new HubError('ModuleAlreadyExistsOnDevice', `${refKey(ref)} exists already.`)
    }
    const module: PlatformModule = {
      ref,
      connected: false,
      etag: this.#nextEtag(),
      tags: section({}, seed.tags ?? {}, MAX_TAGS_BYTES),
      desired: section({}, seed.desired ?? {}, MAX_PROPERTIES_BYTES),
      desiredVersion: 1,
      desiredUpdatedMs: this.#clock.now(),
      reported: {},
      reportedVersion: 1,
      reportedUpdatedMs: this.#clock.now(),
      lastActivityMs: 0,
    }
    device.modules.set(ref.moduleId, module)
    this.#tell({ kind: 'module-created', ref })
    return module
  }

  async patchTwin(
    ref: Required<DeviceRef>,
    { tags, desired }: TwinPatchRequest,
    ifMatch?: string,
  ): Promise<PlatformModule> {
    const module = this.#existing(ref)
    if (ifMatch !== undefined && ifMatch !== module.etag) {
      throw new HubError('PreconditionFailed', `The twin is at etag ${module.etag}.`)
    }
    const changed = this.#replace({
      ...module,
      etag: this.#nextEtag(),
      ...(tags && { tags: section(module.tags, tags, MAX_TAGS_BYTES) }),
      ...(desired && {
        desired: section(module.desired, desired, MAX_PROPERTIES_BYTES),
        desiredVersion: module.desiredVersion + 1,
        desiredUpdatedMs: this.#clock.now(),
      }),
    })
    if (tags) this.#tell({ kind: 'tags-changed', deviceId: ref.deviceId, patch: tags })
    if (desired) this.#tell({ kind: 'desired-changed', ref })
    return changed
  }

  async readMessages(after: number, limit: number): Promise<readonly SecurityMessage[]> {
    return this.#messages.filter(({ sequence }) => sequence > after).slice(0, limit)
  }

  async sendSecurityMessage(ref: Required<DeviceRef>, body: Uint8Array): Promise<number> {
    this.sendMessage(ref, body)
    return this.#sequence
  }

  async releaseMessages(through: number): Promise<void> {
    this.#messages = this.#messages.filter(({ sequence }) => sequence > through)
  }

  subscribe(listener: (notice: PlatformNotice) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What an operator does: a device without modules. Creating it again only changes its tags. */
  addDevice(deviceId: string, tags: JsonObject = {}): void {
    const device = this.#devices.get(deviceId)
    if (device) {
      device.tags = tags
      this.#tell({ kind: 'tags-changed', deviceId, patch: null })
    } else {
      const generation = String(++this.#generation)
      this.#devices.set(deviceId, { generation, tags, modules: new Map(), credentials: new Map() })
      this.#tell({ kind: 'device-created', deviceId })
    }
  }

  /** What an operator does. Takes the modules along. */
  removeDevice(deviceId: string): void {
    if (this.#devices.delete(deviceId)) this.#tell({ kind: 'device-removed', deviceId })
  }

  /** What an operator does. */
  removeModule(ref: Required<DeviceRef>): void {
    const modules = this.#devices.get(ref.deviceId)?.modules
    if (modules?.delete(ref.moduleId)) this.#tell({ kind: 'module-removed', ref })
  }

  /** What an operator does: gives the device, or a module of it, these keys, as they are. */
  setKeys({ deviceId, moduleId = '' }: DeviceRef, keys: readonly string[]): void {
    const digests = keys.map((key) => createHash('sha256').update(key).digest('hex'))
    const credentials = digests.map((digest) => ({ kind: 'symmetricKey' as const, digest }))
    this.#devices.get(deviceId)?.credentials.set(moduleId, credentials)
    this.#tell({ kind: 'credentials-changed', deviceId })
  }

  /** What the hub notices. @throws {HubError} `ModuleNotFound` */
  setConnected(ref: Required<DeviceRef>, connected: boolean): void {
    const nowMs = this.#clock.now()
    const module = this.#existing(ref)
    this.#replace({ ...module, connected, connectionChangedMs: nowMs, lastActivityMs: nowMs })
    this.#tell({ kind: connected ? 'connected' : 'disconnected', ref })
  }

  /** What the agent writes. @throws {HubError} `ModuleNotFound`, `ArgumentInvalid` */
  report(ref: Required<DeviceRef>, patch: JsonObject): void {
    const module = this.#existing(ref)
    this.#replace({
      ...module,
      reported: section(module.reported, patch, MAX_PROPERTIES_BYTES),
      reportedVersion: module.reportedVersion + 1,
      reportedUpdatedMs: this.#clock.now(),
      lastActivityMs: this.#clock.now(),
    })
    this.#tell({ kind: 'reported-changed', ref })
  }

  /** What the agent sends. @throws {HubError} `ThrottlingException` when too much waits */
  sendMessage(ref: Required<DeviceRef>, body: Uint8Array): void {
    if (this.#messages.length >= MAX_MESSAGES) {
      throw new HubError('ThrottlingException', `${MAX_MESSAGES} messages wait already.`)
    }
    this.#messages.push({
      ref,
      system: { interfaceId: SECURITY_INTERFACE_ID },
      application: {},
      body,
      sequence: ++this.#sequence,
      enqueuedTimeMs: this.#clock.now(),
    })
    this.#tell({ kind: 'messages' })
  }

  #credentialsOf(deviceId: string): readonly CredentialMark[] | undefined {
    const device = this.#devices.get(deviceId)
    return (
      device &&
      Array.from(device.credentials, ([moduleId, credentials]) => ({
        ref: { deviceId, ...(moduleId !== '' && { moduleId }) },
        credentials,
      }))
    )
  }

  #existing(ref: Required<DeviceRef>): PlatformModule {
    const module = this.#devices.get(ref.deviceId)?.modules.get(ref.moduleId)
    if (module === undefined) throw new HubError('ModuleNotFound', `There is no ${refKey(ref)}.`)
    return module
  }

  #replace(module: PlatformModule): PlatformModule {
    this.#devices.get(module.ref.deviceId)?.modules.set(module.ref.moduleId, module)
    return module
  }

  #nextEtag(): string {
    this.#etag++
    return String(this.#etag)
  }

  #tell(notice: PlatformNotice): void {
    for (const listener of this.#listeners) listener(notice)
  }
}

function section(before: JsonObject, patch: JsonObject, limitBytes: number): JsonObject {
  const after = mergePatch(before, patch)
  const bytes = twinBytes(after)
  if (bytes <= limitBytes) return after
  throw new HubError('ArgumentInvalid', `Properties take ${bytes} of ${limitBytes} bytes.`)
}
