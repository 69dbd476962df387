import {
  MemoryAudit,
  MemoryCertificates,
  MemoryConfigurationStore,
  MemoryConsumerGroups,
  MemoryEnrollments,
  MemoryEnrollmentTokens,
  MemoryEventLog,
  MemoryIpFilter,
  MemoryJobs,
  MemoryMessageQueue,
  MemoryRegistry,
  MemoryRegistryJobStore,
  MemoryRollouts,
  MemoryRoutingStore,
  noReview,
  silentLog,
} from '@twinward/hub'
import { SECURITY_INTERFACE_ID } from '@twinward/protocol'
import { type OpenedPlatform, platformContract } from '../../security/test/contracts/platform.ts'
import { assembleHub } from './assemble-hub.ts'
import { EmbeddedPlatform } from './embedded-platform.ts'

const AGENT = { expiresAtMs: Infinity, generationId: '1', authMethod: '{}', identityEtag: 1 }

platformContract(open)

async function open(): Promise<OpenedPlatform> {
  const registry = new MemoryRegistry()
  const eventLog = new MemoryEventLog()
  const hub = assembleHub({
    registry,
    audit: new MemoryAudit(),
    certificates: new MemoryCertificates(),
    registryJobs: new MemoryRegistryJobStore(),
    jobs: new MemoryJobs(),
    routing: new MemoryRoutingStore(),
    enrollments: new MemoryEnrollments(),
    configurations: new MemoryConfigurationStore(),
    rollouts: new MemoryRollouts(),
    ipFilter: new MemoryIpFilter(),
    consumerGroups: new MemoryConsumerGroups(),
    idScope: '0ne00000001',
    exchange: { open: () => Promise.reject(new Error('no exchange')) },
    eventLog,
    messageQueue: new MemoryMessageQueue(),
    cloudMessageTtlMs: 3600_000,
    policies: [],
    hostNames: ['localhost'],
    companions: () => [],
    enrollmentTokens: new MemoryEnrollmentTokens(),
    securityModules: {
      deviceReadsKey: false,
      access: 'restricted',
      securityModuleId: 'azureiotsecurity',
      seedOf: () => ({ tags: {}, desired: {} }),
    },
    reviewDesired: noReview,
    log: silentLog,
  })
  return {
    platform: new EmbeddedPlatform(hub, eventLog, { listen: '127.0.0.1' }),
    createDevice: async (deviceId, tags) => {
      await hub.identities.createDevice(deviceId, {})
      if (tags) await hub.twins.patch({ deviceId }, { tags })
    },
    removeDevice: (deviceId) => hub.identities.remove({ deviceId }, '*'),
    removeModule: (ref) => hub.identities.remove(ref, '*'),
    setKeys: async (deviceId, primaryKey, secondaryKey) => {
      const authentication = { symmetricKey: { primaryKey, secondaryKey } }
      await hub.identities.update({ deviceId }, { authentication }, '*')
    },
    report: async (ref, patch) => {
      await hub.twins.updateReported(ref, patch)
    },
    sendSecurityMessage: (ref, body) =>
      hub.telemetry.accept(
        { ref, body, application: {}, system: { interfaceId: SECURITY_INTERFACE_ID } },
        AGENT,
      ),
    recordEvent: (subject) =>
      hub.activity.audit.record({ kind: 'ca.add', outcome: 'success', subject }),
    setIpRule: (rule) => hub.ipFilter.set([rule]),
    close: async () => {
      await registry.close()
    },
  }
}
