import { join } from 'node:path'
import { type EventLog, type Registry, SqliteEventLog, SqliteRegistry } from '@twinward/hub'
import type { Settings } from './config/settings.ts'
import { StartError } from './start-error.ts'
import { storeFailure } from './store-failure.ts'

const MIB = 1024 * 1024

/** The hub's stores, as files of the data directory. */
export interface HubStores {
  readonly registry: Registry
  readonly eventLog: EventLog
  close(): Promise<void>
}

/** @throws {StartError} when a file is in use, damaged or written by a newer version */
export async function openHubStores(
  dataDir: string,
  settings: Settings,
  onFailure: (error: StartError) => void,
): Promise<HubStores> {
  const failed = (error: Error) => onFailure(storeFailure(dataDir, error))
  try {
    const [registry, eventLog] = await Promise.all([
      SqliteRegistry.open({
        file: join(dataDir, 'hub.db'),
        cacheBytes: settings.twinCacheMib * MIB,
        onFailure: failed,
      }),
      SqliteEventLog.open({ file: join(dataDir, 'messages.db'), onFailure: failed }),
    ])
    return {
      registry,
      eventLog,
      close: async () => {
        await Promise.all([registry.close(), eventLog.close()])
      },
    }
  } catch (error) {
    throw error instanceof StartError ? error : storeFailure(dataDir, error)
  }
}
