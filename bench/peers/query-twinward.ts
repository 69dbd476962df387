import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { SqliteRegistry } from '@twinward/hub'
import type { Peer, PeerContext } from './peer.ts'
import { FLEET_DEVICES, fleetRows } from './query-fleet.ts'
import type { QueryStore, Question } from './query-store.ts'
import { ServiceCalls } from './service-calls.ts'
import { isThisCheckout, startTwinwardOn } from './twinward.ts'

/** Devices in one transaction. */
const BATCH_DEVICES = 500

/** Twinward with the fleet in its store, put there through its SQLite adapter before the start. */
export function startQueryTwinward(context: PeerContext): Promise<Peer> {
  if (!isThisCheckout) throw new Error('query fills the store with the adapter of this checkout.')
  return startTwinwardOn(context, (dataDir) => fillFleet(dataDir))
}

/** A store with so many devices, each with its security module. */
export async function fillFleet(dataDir: string, devices = FLEET_DEVICES): Promise<void> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const failed = (error: Error) => {
    throw error
  }
  const registry = await SqliteRegistry.open({ file: join(dataDir, 'hub.db'), onFailure: failed })
  for (let first = 0; first < devices; first += BATCH_DEVICES) {
    const rows = Array.from({ length: BATCH_DEVICES }, (_, at) => fleetRows(first + at)).flat()
    const entries = rows.map(({ deviceId, moduleId, identity, twin }) => ({
      ref: { deviceId, ...(moduleId !== undefined && { moduleId }) },
      identity,
      twin,
    }))
    const outcome = await registry.insert(entries)
    if (outcome !== 'inserted') throw new Error(`The fleet was not inserted: ${outcome}`)
  }
  await registry.close()
}

/** Questions as every service asks them: `POST /devices/query` over HTTPS, page after page. */
export function twinwardQueries(peer: Peer): QueryStore & { close(): void } {
  const calls = ServiceCalls.of(peer)
  return {
    name: 'twinward',
    title: 'Twinward, HTTPS',
    ask: (question, deviceId) => ask(calls, question, deviceId),
    close: () => calls.close(),
  }
}

async function ask(
  calls: ServiceCalls,
  { query, allPages }: Question,
  deviceId: string,
): Promise<readonly unknown[]> {
  const all: unknown[] = []
  const body = { query: query.replace('$i', deviceId) }
  let continuation: string | undefined
  do {
    const headers = {
      'x-ms-max-item-count': '100',
      ...(continuation !== undefined && { 'x-ms-continuation': continuation }),
    }
    const answer = await calls.call({ method: 'POST', path: '/devices/query', body, headers })
    all.push(...(JSON.parse(answer.body) as unknown[]))
    continuation = answer.headers['x-ms-continuation'] as string | undefined
  } while (allPages && continuation !== undefined)
  return all
}
