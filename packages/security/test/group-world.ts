import { MemoryGroupStore } from '../src/adapters/memory/group-store.ts'
import { MemoryPlatform } from '../src/adapters/memory/platform.ts'
import { readGroup } from '../src/groups/group-wire.ts'
import { SecurityGroups } from '../src/groups/security-groups.ts'
import type { QueryEvents } from '../src/ingestion/replay.ts'
import { silentLog } from '../src/log.ts'
import type { TwinPlatform } from '../src/platform.ts'
import { FakeClock } from './fake-clock.ts'
import { interceptPlatform } from './intercept-platform.ts'

/** The module id of `openGroups`. */
export const MODULE = 'azureiotsecurity'
const NOTHING: QueryEvents = async () => ({ items: [], continuationToken: null })

interface World {
  readonly intercept?: Parameters<typeof interceptPlatform>[1]
  readonly query?: QueryEvents
  readonly store?: MemoryGroupStore
}

/** Security groups on stores in memory, with a platform whose calls are counted. */
export async function openGroups({
  intercept,
  query = NOTHING,
  store = new MemoryGroupStore(),
}: World = {}) {
  const clock = new FakeClock()
  const platform = new MemoryPlatform(clock)
  const calls: string[] = []
  const watched: TwinPlatform = interceptPlatform(platform, (call, args) => {
    calls.push(call)
    return intercept?.(call, args)
  })
  const ports = { groups: store, platform: watched, query, clock, log: silentLog }
  const groups = new SecurityGroups(ports, MODULE)
  await groups.start()
  return { clock, platform, groups, calls, store }
}

/** A draft with one deny list of programs and one setting. */
export function denying(...denylistValues: string[]) {
  const rule = { ruleType: 'ProcessDenied', isEnabled: true, denylistValues }
  return readGroup({ denylistRules: [rule], settings: { buildUsers: ['jenkins'] } }).draft
}
