import type { Clock } from '../clock.ts'
import { pickLogicalModule } from '../modules/logical.ts'
import {
  type ResolvedGroup,
  resolveSecurityGroup,
  SECURITY_GROUP_TAGS,
} from '../modules/security-group.ts'
import type { PlatformNotice, TwinPlatform } from '../platform.ts'

/** Devices whose group is remembered; the one that was asked for longest ago is forgotten. */
export const MAX_REMEMBERED_DEVICES = 100_000
/** So long a group is taken as known, for what no notice told. */
export const MAX_GROUP_AGE_MS = 5 * 60_000
/** Pause after a platform that failed to say: else every message would wait for its next failure. */
export const GROUP_RETRY_MS = 30_000

interface Known {
  readonly group: string
  readonly readMs: number
}

interface Ports {
  readonly platform: TwinPlatform
  readonly clock: Clock
}

/**
 * Which security group each device is in. Asked for every message, so what was read is remembered
 * until a notice says that it may have changed, or for `MAX_GROUP_AGE_MS`.
 */
export class DeviceGroups {
  readonly #ports: Ports
  readonly #securityModuleId: string
  /** The device that was asked for last stands last. */
  readonly #known = new Map<string, Known>()
  readonly #reads = new Map<string, Promise<string>>()
  #leave: (() => void) | undefined

  constructor(ports: Ports, securityModuleId: string) {
    this.#ports = ports
    this.#securityModuleId = securityModuleId
  }

  /** Begins to listen for what may change a group. Starting twice changes nothing. */
  start(): void {
    this.#leave ??= this.#ports.platform.subscribe((notice) => this.#hear(notice))
  }

  close(): void {
    this.#leave?.()
    this.#leave = undefined
    this.#known.clear()
  }

  /**
   * The group of a device, in lower case; `default` for one that does not exist. When the platform
   * fails, what was known last is the answer.
   *
   * @throws {HubError} what the platform refuses, where nothing is known
   */
  groupOf(deviceId: string): string | Promise<string> {
    const known = this.#known.get(deviceId)
    if (known === undefined) return this.#read(deviceId)
    this.#remember(deviceId, known)
    if (this.#ports.clock.now() - known.readMs < MAX_GROUP_AGE_MS) return known.group
    return this.#read(deviceId).catch(() => {
      const readMs = this.#ports.clock.now() - MAX_GROUP_AGE_MS + GROUP_RETRY_MS
      // What a notice took away meanwhile is no longer known.
      if (this.#known.has(deviceId)) this.#remember(deviceId, { ...known, readMs })
      return known.group
    })
  }

  /**
   * Reads the twins, whatever is known.
   *
   * @returns `undefined` when there is no such device
   */
  async resolve(deviceId: string): Promise<ResolvedGroup | undefined> {
    const { platform } = this.#ports
    const tags = await platform.deviceTags(deviceId)
    if (tags === undefined) return undefined
    const own = resolveSecurityGroup(tags)
    // The device's own tag decides, so its modules need not be read.
    if (own.from === 'device') return own
    const modules = (await platform.listModules(deviceId)) ?? []
    return resolveSecurityGroup(tags, pickLogicalModule(modules, this.#securityModuleId)?.tags)
  }

  #read(deviceId: string): Promise<string> {
    const under = this.#reads.get(deviceId)
    if (under) return under
    const readMs = this.#ports.clock.now()
    const read: Promise<string> = this.resolve(deviceId)
      .then((resolved) => {
        const { group } = resolved ?? resolveSecurityGroup({})
        // What a notice said meanwhile is newer than what was read.
        if (this.#reads.get(deviceId) === read) this.#remember(deviceId, { group, readMs })
        return group
      })
      .finally(() => {
        if (this.#reads.get(deviceId) === read) this.#reads.delete(deviceId)
      })
    this.#reads.set(deviceId, read)
    return read
  }

  #remember(deviceId: string, known: Known): void {
    this.#known.delete(deviceId)
    this.#known.set(deviceId, known)
    if (this.#known.size <= MAX_REMEMBERED_DEVICES) return
    const [oldest] = this.#known.keys()
    if (oldest !== undefined) this.#known.delete(oldest)
  }

  #hear(notice: PlatformNotice): void {
    if (notice.kind === 'tags-changed') {
      if (mayNameGroup(notice.patch)) this.#forget(notice.deviceId)
    } else if (notice.kind === 'device-created' || notice.kind === 'device-removed') {
      this.#forget(notice.deviceId)
    } else if (notice.kind === 'module-created' || notice.kind === 'module-removed') {
      this.#forget(notice.ref.deviceId)
    }
  }

  #forget(deviceId: string): void {
    this.#known.delete(deviceId)
    this.#reads.delete(deviceId)
  }
}

/** Postures are tags too, and are written far more often. */
function mayNameGroup(patch: object | null): boolean {
  return patch === null || SECURITY_GROUP_TAGS.some((tag) => Object.hasOwn(patch, tag))
}
