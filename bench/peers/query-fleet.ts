import type { Identity, JsonObject, MetadataNode, Twin, TwinSection } from '@twinward/protocol'

/** Devices of the `query` benchmark, each with one security module. */
export const FLEET_DEVICES = 100_000
export const MODULE_ID = 'azureiotsecurity'
const WRITTEN_MS = Date.parse('2026-01-02T03:04:05.000Z')
const SITES = 100
const GROUPS = 10
const VERSIONS = 8

/** One row of both stores: the device's own has no module id, no tags and no properties. */
export interface FleetRow {
  readonly deviceId: string
  readonly moduleId?: string
  readonly identity: Identity
  readonly twin: Twin
}

/** A device and its module; every value follows from `index`, so that both stores hold the same. */
export function fleetRows(index: number): readonly [FleetRow, FleetRow] {
  const deviceId = fleetDeviceId(index)
  const empty = section({})
  const device = { etag: 1, version: 1, tags: {}, desired: empty, reported: empty }
  const module = {
    etag: 1,
    version: 2,
    tags: moduleTags(index),
    desired: section(moduleDesired(index)),
    reported: section(moduleReported(index)),
  }
  return [
    { deviceId, identity: identity(index), twin: device },
    { deviceId, moduleId: MODULE_ID, identity: identity(index), twin: module },
  ]
}

export function fleetDeviceId(index: number): string {
  return `bench-${String(index).padStart(6, '0')}`
}

/** The key of device and module `index`; good enough for a store that lives for some minutes. */
export function fleetKey(index: number): string {
  return Buffer.from(`bench-key-${String(index).padStart(6, '0')}-0123456789abcdef`).toString(
    'base64',
  )
}

/** `$metadata` as a service reads it, for a store that keeps what it answers. */
export function metadataJson({ metadata }: TwinSection): JsonObject {
  const node = ({ v, of }: MetadataNode): JsonObject => ({
    $lastUpdated: '2026-01-02T03:04:05.0000000Z',
    $lastUpdatedVersion: v,
    ...Object.fromEntries(Object.entries(of ?? {}).map(([key, child]) => [key, node(child)])),
  })
  return node(metadata)
}

function moduleTags(index: number): JsonObject {
  return {
    securityGroup: `group-${index % GROUPS}`,
    site: `site-${index % SITES}`,
    criticality: (index * 37) % 101,
    posture: { score: (index * 53) % 101 },
    alerts: index % 7 === 0 ? { IoT_Bruteforce: { severity: 'High', openCount: 1 } } : {},
    recommendations: { IoT_OpenPorts: { severity: 'Medium', state: 'Active', count: index % 5 } },
    agent: { kind: 'micro', version: '4.6.2', state: 'reporting' },
    config: { desiredVersion: 1, appliedVersion: 1, state: 'applied' },
  }
}

function moduleDesired(index: number): JsonObject {
  return {
    highPriorityMessageFrequency: 'PT7M',
    lowPriorityMessageFrequency: 'PT5H',
    snapshotFrequency: `PT${10 + (index % 4)}H`,
    maxMessageSizeInBytes: 256_000,
    maxLocalCacheSizeInBytes: 2_560_000,
    eventPriorities: { processCreate: 'low', login: 'high', firewallConfiguration: 'low' },
  }
}

function moduleReported(index: number): JsonObject {
  return {
    agentVersion: `4.6.${index % VERSIONS}`,
    operatingSystem: index % 3 === 0 ? 'Debian 12' : 'Yocto 4.0',
    openPorts: (index * 13) % 50,
    cpuLoad: ((index * 7) % 1_000) / 10,
    firewall: { enabled: index % 11 !== 0, rules: index % 40 },
    lastBaseline: '2026-01-02T03:00:00Z',
  }
}

function identity(index: number): Identity {
  const key = fleetKey(index)
  return {
    generationId: String(637_132_226_218_041_937n + BigInt(index)),
    etag: 1,
    status: 'enabled',
    statusReason: null,
    statusUpdatedTimeMs: 0,
    connectionStateUpdatedTimeMs: 0,
    lastActivityTimeMs: 0,
    authentication: { type: 'sas', primaryKey: key, secondaryKey: key },
    iotEdge: false,
    managedBy: '',
    modelId: '',
  }
}

function section(values: JsonObject): TwinSection {
  const sizeBytes = JSON.stringify(values).length
  return { values, version: 1, metadata: metadataOf(values), sizeBytes }
}

function metadataOf(value: unknown): MetadataNode {
  if (typeof value !== 'object' || value === null) return { v: 1, t: WRITTEN_MS }
  const children = Object.entries(value).map(([key, child]) => [key, metadataOf(child)])
  return { v: 1, t: WRITTEN_MS, of: Object.fromEntries(children) }
}
