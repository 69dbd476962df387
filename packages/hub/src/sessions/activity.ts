import { type DeviceRef, type Identity, refKey } from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Registry } from '../registry/registry.ts'
import type { Queries } from '../twins/query/queries.ts'

/** How long it may take until a connect shows in an identity's time stamps. */
export const ACTIVITY_DELAY_MS = 1_000
/** As many identities are worth a commit of their own, and few enough for one turn of the event loop. */
const MAX_GATHERED = 256

interface Ports {
  readonly registry: Pick<Registry, 'change'>
  readonly bus: EventBus
  readonly clock: Pick<Clock, 'now' | 'every'>
  readonly queries: Pick<Queries, 'prepareWith'>
}

/** The last that an identity did. */
interface Activity {
  readonly ref: DeviceRef
  readonly atMs: number
  readonly isConnected: boolean
  readonly lastCredential?: NonNullable<Identity['lastCredential']>
}

/**
 * Writes down whether an identity is connected, when it last was and with what, as a session begins and ends (01 §1: "eventually
 * consistent"). Moves no etag. Nobody waits for it; what a crash loses is the stamps of one second.
 *
 * They gather, because a commit for each connect would cost more than the connect, and a device that
 * connects again would have to wait for it.
 *
 * @returns a function that ends the recording; it resolves when all is written
 */
export function recordActivity(
  { registry, bus, clock, queries }: Ports,
  log: Log,
): () => Promise<void> {
  const gathered = new Map<string, Activity>()
  const write = async ({ ref, atMs, isConnected, lastCredential }: Activity) => {
    try {
      await registry.change(ref, (entry) => {
        const { connected: _, ...identity } = entry.identity
        const stamps = { connectionStateUpdatedTimeMs: atMs, lastActivityTimeMs: atMs }
        const connection = { ...(isConnected && { connected: true }) }
        const credential = { ...(lastCredential && { lastCredential }) }
        return { ...entry, identity: { ...identity, ...stamps, ...connection, ...credential } }
      })
    } catch (error) {
      log.warn({ err: error, ...ref }, 'activity was not recorded')
    }
  }
  const writeAll = () => {
    const writes = [...gathered.values()].map(write)
    gathered.clear()
    return Promise.all(writes)
  }
  const leave = bus.subscribe((notice) => {
    if (notice.kind !== 'session-opened' && notice.kind !== 'session-closed') return
    const key = refKey(notice.ref)
    const atMs = clock.now()
    const isConnected = notice.kind === 'session-opened'
    const credentialId = isConnected ? notice.credentialId : undefined
    const lastCredential = credentialId
      ? { id: credentialId, timeMs: atMs }
      : gathered.get(key)?.lastCredential
    gathered.set(key, {
      ...{ ref: notice.ref, atMs, isConnected },
      ...(lastCredential && { lastCredential }),
    })
    if (gathered.size >= MAX_GATHERED) void writeAll()
  })
  // A query sees who is connected now.
  queries.prepareWith(() => void writeAll())
  const stop = clock.every(ACTIVITY_DELAY_MS, () => void writeAll())
  return async () => {
    leave()
    stop()
    await writeAll()
  }
}
