import { join } from 'node:path'
import {
  type AuditStore,
  type CertificateStore,
  type ConfigurationStore,
  type ConsumerGroupStore,
  type EnrollmentStore,
  type EnrollmentTokenStore,
  type EventLog,
  type Exchange,
  ExchangeFolder,
  type IpFilterStore,
  type JobStore,
  type MessageQueue,
  openHubDatabase,
  openMessageDatabase,
  type Registry,
  type RegistryJobStore,
  type RolloutStore,
  type RoutingStore,
  SqliteAudit,
  SqliteCertificates,
  SqliteConfigurationStore,
  SqliteConsumerGroups,
  SqliteEnrollments,
  SqliteEnrollmentTokens,
  SqliteEventLog,
  SqliteIpFilter,
  SqliteJobs,
  SqliteMessageQueue,
  SqliteRegistry,
  SqliteRegistryJobStore,
  SqliteRollouts,
  SqliteRoutingStore,
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
  readonly jobs: JobStore
  readonly audit: AuditStore
  readonly enrollments: EnrollmentStore
  readonly enrollmentTokens: EnrollmentTokenStore
  readonly exchange: Exchange
  readonly eventLog: EventLog
  readonly routing: RoutingStore
  readonly configurations: ConfigurationStore
  readonly rollouts: RolloutStore
  readonly ipFilter: IpFilterStore
  readonly consumerGroups: ConsumerGroupStore
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
      jobs: new SqliteJobs(hubDatabase),
      audit: new SqliteAudit(hubDatabase),
      enrollments: new SqliteEnrollments(hubDatabase),
      enrollmentTokens: new SqliteEnrollmentTokens(hubDatabase),
      exchange: await ExchangeFolder.open(settings.exchangeDir ?? join(dataDir, 'exchange')),
      eventLog: await SqliteEventLog.on(messageDatabase),
      routing: new SqliteRoutingStore(hubDatabase),
      configurations: new SqliteConfigurationStore(hubDatabase),
      rollouts: new SqliteRollouts(hubDatabase),
      ipFilter: new SqliteIpFilter(hubDatabase),
      consumerGroups: new SqliteConsumerGroups(hubDatabase),
      messageQueue: new SqliteMessageQueue(messageDatabase),
      close: async () => {
        await Promise.all([hubDatabase.close(), messageDatabase.close()])
      },
    }
  } catch (error) {
    throw error instanceof StartError ? error : storeFailure(dataDir, error)
  }
}
