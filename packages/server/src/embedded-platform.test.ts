import {
  MemoryCertificates,
  MemoryConsumerGroups,
  MemoryEnrollments,
  MemoryEnrollmentTokens,
  MemoryEventLog,
  MemoryMessageQueue,
  MemoryRegistry,
  MemoryRegistryJobStore,
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
    certificates: new MemoryCertificates(),
    registryJobs: new MemoryRegistryJobStore(),
    routing: new MemoryRoutingStore(),
    enrollments: new MemoryEnrollments(),
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
    platform: new EmbeddedPlatform(hub, eventLog),
    createDevice: async (deviceId, tags) => {
      await hub.identities.createDevice(deviceId, {})
      if (tags) await hub.twins.patch({ deviceId }, { tags })
    },
    removeDevice: (deviceId) => hub.identities.remove({ deviceId }, '*'),
    removeModule: (ref) => hub.identities.remove(ref, '*'),
    report: async (ref, patch) => {
      await hub.twins.updateReported(ref, patch)
    },
    sendSecurityMessage: (ref, body) =>
      hub.telemetry.accept(
        { ref, body, application: {}, system: { interfaceId: SECURITY_INTERFACE_ID } },
        AGENT,
      ),
    close: async () => {
      await registry.close()
    },
  }
}
