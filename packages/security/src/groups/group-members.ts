import type { Page } from '../data/finding-store.ts'
import { formatPageToken, parsePageToken } from '../data/page-token.ts'
import type { ResolvedGroup } from '../modules/security-group.ts'
import type { TwinPlatform } from '../platform.ts'

/** Devices that are read for one page, however few of them are in the group. */
export const MAX_SCANNED_DEVICES = 1_000
/** Devices whose ids are read at once. */
const PAGE_DEVICES = 200
/** Devices that are read side by side. */
const CONCURRENT_DEVICES = 16

/** A device of a group and what says so. */
export interface GroupMember extends Omit<ResolvedGroup, 'group'> {
  readonly deviceId: string
}

interface Ports {
  readonly platform: Pick<TwinPlatform, 'listDevices'>
  /** As the twins say now; `undefined` without such a device. */
  readonly resolve: (deviceId: string) => Promise<ResolvedGroup | undefined>
}

/** The devices that resolve to a group, whether or not there is such a group. */
export class GroupMembers {
  readonly #ports: Ports

  constructor(ports: Ports) {
    this.#ports = ports
  }

  /**
   * A page in the platform's order. It may be short or empty before the end; only its token tells.
   *
   * @param group  in lower case
   * @throws {HubError} `ArgumentInvalid` for a token that is not ours
   */
  async list(
    group: string,
    { limit, continuationToken: token }: { limit: number; continuationToken?: string },
  ): Promise<Page<GroupMember>> {
    const items: GroupMember[] = []
    let after = token === undefined ? '' : parsePageToken('group-devices', token).id
    for (let scanned = 0; scanned < MAX_SCANNED_DEVICES && items.length < limit; ) {
      const asked = Math.min(PAGE_DEVICES, limit - items.length, MAX_SCANNED_DEVICES - scanned)
      const deviceIds = await this.#ports.platform.listDevices(
        asked,
        after === '' ? undefined : after,
      )
      items.push(...(await this.#members(group, deviceIds)))
      scanned += deviceIds.length
      after = deviceIds.at(-1) ?? after
      if (deviceIds.length < asked) return { items, continuationToken: null }
    }
    const continuationToken = formatPageToken('group-devices', { order: 0, id: after })
    return { items, continuationToken }
  }

  async #members(group: string, deviceIds: readonly string[]): Promise<readonly GroupMember[]> {
    const found = new Map<string, GroupMember>()
    const left = deviceIds[Symbol.iterator]()
    const worker = async () => {
      for (const deviceId of left) {
        const resolved = await this.#ports.resolve(deviceId)
        if (resolved?.group !== group) continue
        found.set(deviceId, { deviceId, from: resolved.from, tag: resolved.tag })
      }
    }
    await Promise.all(Array.from({ length: CONCURRENT_DEVICES }, worker))
    return deviceIds.flatMap((deviceId) => found.get(deviceId) ?? [])
  }
}
