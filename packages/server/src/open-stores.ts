import { join } from 'node:path'
import {
  type CertificateStore,
  type EnrollmentStore,
  type EventLog,
  type Exchange,
  ExchangeFolder,
  type MessageQueue,
  openHubDatabase,
  openMessageDatabase,
  type Registry,
  type RegistryJobStore,
  SqliteCertificates,
  SqliteEnrollments,
  SqliteEventLog,
  SqliteMessageQueue,
  SqliteRegistry,
  SqliteRegistryJobStore,
} from '@twinward/hub'
import type { Settings } from './config/settings.ts'
import { StartError } from './start-error.ts'
import { storeFailure } from './store-failure.ts'

const MIB = 1024 * 1024

/** The hub's stores, as files of the data directory. */
export interface HubStores {
  readonly registry: Registry
  readonly certificates: CertificateStore
  readonly registryJobs: RegistryJobStore
  readonly enrollments: EnrollmentStore
  readonly exchange: Exchange
  readonly eventLog: EventLog
  readonly messageQueue: MessageQueue
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
    const [hubDatabase, messageDatabase] = await Promise.all([
      openHubDatabase({ file: join(dataDir, 'hub.db'), onFailure: failed }),
      openMessageDatabase({ file: join(dataDir, 'messages.db'), onFailure: failed }),
    ])
    return {
      registry: new SqliteRegistry(hubDatabase, settings.twinCacheMib * MIB),
      certificates: new SqliteCertificates(hubDatabase),
      registryJobs: new SqliteRegistryJobStore(hubDatabase),
      enrollments: new SqliteEnrollments(hubDatabase),
      exchange: await ExchangeFolder.open(settings.exchangeDir ?? join(dataDir, 'exchange')),
      eventLog: await SqliteEventLog.on(messageDatabase),
      messageQueue: new SqliteMessageQueue(messageDatabase),
      close: async () => {
        await Promise.all([hubDatabase.close(), messageDatabase.close()])
      },
    }
  } catch (error) {
    throw error instanceof StartError ? error : storeFailure(dataDir, error)
  }
}
