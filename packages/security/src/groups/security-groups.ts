import { randomUUID } from 'node:crypto'
import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import { readGroupName } from '../configuration/shared-settings.ts'
import { compileRules } from '../detection/custom/compile.ts'
import type { Rule } from '../detection/rule.ts'
import type { QueryEvents } from '../ingestion/replay.ts'
import type { Log } from '../log.ts'
import type { ResolvedGroup } from '../modules/security-group.ts'
import type { TwinPlatform } from '../platform.ts'
import { Serial } from '../serial.ts'
import { DeviceGroups } from './device-groups.ts'
import { DryRun } from './dry-run.ts'
import type { GroupLookup } from './group-lookup.ts'
import { GroupMembers } from './group-members.ts'
import { DEFAULT_GROUP_SETTINGS, type GroupSettings } from './group-settings.ts'
import type { GroupStore } from './group-store.ts'
import {
  type GroupDraft,
  MAX_ALL_GROUPS_BYTES,
  MAX_GROUP_BYTES,
  MAX_GROUPS,
  rulesOf,
  type SecurityGroup,
  type TimeWindowRule,
} from './security-group.ts'

interface Ports {
  readonly groups: GroupStore
  readonly platform: TwinPlatform
  readonly query: QueryEvents
  readonly clock: Clock
  readonly log: Log
}

/** Under which condition a group is changed, and by whom. */
export interface GroupChange {
  /** A policy's name. */
  readonly by: string
  /** The etag that the caller read, or `*` for a group that exists. */
  readonly ifMatch?: string
  /** Refuses to change a group that exists. */
  readonly isNew?: boolean
}

/** A group in memory, with what is made of it once per version. */
interface Held {
  readonly group: SecurityGroup
  readonly rules: readonly Rule[]
  readonly timeWindowRules: readonly TimeWindowRule[]
  readonly bytes: number
}

const NO_RULES: readonly Rule[] = []

/**
 * Security groups and the devices in them. All groups are in memory; of devices, those that were
 * asked for last.
 */
export class SecurityGroups implements GroupLookup {
  /** Which devices are in a group. */
  readonly members: GroupMembers
  /** Tries rules of a group on stored events. */
  readonly dryRun: DryRun
  readonly #ports: Ports
  readonly #devices: DeviceGroups
  readonly #changes = new Serial()
  #groups: ReadonlyMap<string, Held> = new Map()

  constructor(ports: Ports, securityModuleId: string) {
    this.#ports = ports
    this.#devices = new DeviceGroups(ports, securityModuleId)
    const { platform, query, clock } = ports
    this.members = new GroupMembers({ platform, resolve: (id) => this.resolve(id) })
    this.dryRun = new DryRun({ query, groupOf: (id) => this.groupOf(id), clock })
  }

  /** Reads the groups; to be called before messages are taken. */
  async start(): Promise<void> {
    const groups = await this.#ports.groups.all()
    this.#groups = new Map(groups.map((group) => [group.name, hold(group)]))
    this.#devices.start()
  }

  close(): void {
    this.#devices.close()
  }

  /** In the order of their names. */
  list(): readonly SecurityGroup[] {
    const groups = Array.from(this.#groups.values(), ({ group }) => group)
    return groups.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** @param name  in any case; what can be no name is no group */
  find(name: string): SecurityGroup | undefined {
    return this.#groups.get(name.trim().toLowerCase())?.group
  }

  /** @throws {HubError} `GenericNotFound` */
  get(name: string): SecurityGroup {
    const group = this.find(name)
    if (group) return group
    throw new HubError('GenericNotFound', `There is no security group ${readGroupName(name)}.`)
  }

  /**
   * Writes a group whole; from the next message on its devices are judged by it.
   *
   * @returns the group, already durable
   * @throws {HubError} `PreconditionFailed` when `ifMatch` does not hold; `GenericConflict` for one
   *   that is to be new and is not; `ArgumentInvalid` over `MAX_GROUP_BYTES`;
   *   `IotHubQuotaExceeded` beyond `MAX_GROUPS` or `MAX_ALL_GROUPS_BYTES`
   */
  put(name: string, draft: GroupDraft, change: GroupChange): Promise<SecurityGroup> {
    const group = readGroupName(name)
    return this.#changes.run(() => this.#put(group, draft, change))
  }

  /** @throws {HubError} `GenericNotFound`; `PreconditionFailed` when `ifMatch` does not hold */
  remove(name: string, { by, ifMatch }: GroupChange): Promise<void> {
    return this.#changes.run(async () => {
      const before = this.get(name)
      refuseStale(before, ifMatch)
      await this.#ports.groups.remove(before.name)
      const groups = new Map(this.#groups)
      groups.delete(before.name)
      this.#groups = groups
      this.#ports.log.info({ group: before.name, by }, 'security group removed')
    })
  }

  /** The group of a device, in lower case, whether or not there is such a group. */
  async groupOf(deviceId: string): Promise<string> {
    return this.#devices.groupOf(deviceId)
  }

  /** The group of a device as its twins say now. `undefined` without such a device. */
  resolve(deviceId: string): Promise<ResolvedGroup | undefined> {
    return this.#devices.resolve(deviceId)
  }

  async settingsFor(deviceId: string): Promise<GroupSettings> {
    return (await this.#heldFor(deviceId))?.group.settings ?? DEFAULT_GROUP_SETTINGS
  }

  async rulesFor(deviceId: string): Promise<readonly Rule[]> {
    return (await this.#heldFor(deviceId))?.rules ?? NO_RULES
  }

  /** The enabled rules on time windows of a group, by its name in lower case. */
  timeWindowRulesOf(group: string): readonly TimeWindowRule[] {
    return this.#groups.get(group)?.timeWindowRules ?? []
  }

  async #heldFor(deviceId: string): Promise<Held | undefined> {
    // Most hubs have no groups, and then no twin is read.
    if (this.#groups.size === 0) return undefined
    return this.#groups.get(await this.#devices.groupOf(deviceId))
  }

  async #put(
    name: string,
    draft: GroupDraft,
    { by, ifMatch, isNew = false }: GroupChange,
  ): Promise<SecurityGroup> {
    const before = this.#groups.get(name)?.group
    if (before && isNew) {
      throw new HubError('GenericConflict', `There is a security group ${name} already.`)
    }
    refuseStale(before, ifMatch)
    const { groups, clock, log } = this.#ports
    const group: SecurityGroup = {
      name,
      ...rulesOf(draft),
      settings: draft.settings ?? before?.settings ?? DEFAULT_GROUP_SETTINGS,
      version: (before?.version ?? 0) + 1,
      etag: randomUUID(),
      changedMs: clock.now(),
      by,
    }
    const held = hold(group)
    this.#refuseTooMuch(held)
    await groups.put(group)
    this.#groups = new Map(this.#groups).set(name, held)
    log.info({ group: name, version: group.version, by }, 'security group changed')
    return group
  }

  #refuseTooMuch({ group: { name }, bytes }: Held): void {
    if (bytes > MAX_GROUP_BYTES) {
      const text = `The security group takes ${bytes} of ${MAX_GROUP_BYTES} bytes.`
      throw new HubError('ArgumentInvalid', text)
    }
    const others = [...this.#groups.values()].filter((each) => each.group.name !== name)
    if (others.length >= MAX_GROUPS) {
      throw new HubError('IotHubQuotaExceeded', `A hub has at most ${MAX_GROUPS} security groups.`)
    }
    const total = others.reduce((sum, each) => sum + each.bytes, bytes)
    if (total <= MAX_ALL_GROUPS_BYTES) return
    const limit = `${total} of ${MAX_ALL_GROUPS_BYTES} bytes`
    throw new HubError('IotHubQuotaExceeded', `All security groups together take ${limit}.`)
  }
}

function hold(group: SecurityGroup): Held {
  return {
    group,
    rules: compileRules(group),
    timeWindowRules: group.timeWindowRules.filter(({ isEnabled }) => isEnabled),
    bytes: Buffer.byteLength(JSON.stringify(group)),
  }
}

function refuseStale(before: SecurityGroup | undefined, ifMatch: string | undefined): void {
  if (ifMatch === undefined || (before && (ifMatch === '*' || ifMatch === before.etag))) return
  const state = before ? `is at etag ${before.etag}` : 'does not exist'
  throw new HubError('PreconditionFailed', `The security group ${state}.`)
}
