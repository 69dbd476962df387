import type { DeviceRef, Identity, JsonObject } from '@twinward/protocol'
import type { Entry, Registry } from '../../src/registry/registry.ts'

export const pump: DeviceRef = { deviceId: 'pump-1' }
export const agent: DeviceRef = { deviceId: 'pump-1', moduleId: 'azureiotsecurity' }
export const otherModule: DeviceRef = { deviceId: 'pump-1', moduleId: 'Zeta' }
export const neighbour: DeviceRef = { deviceId: 'pump-10' }
export const neighbourAgent: DeviceRef = { deviceId: 'pump-10', moduleId: 'azureiotsecurity' }

/** Keys and values that a careless store would change. */
export const oddValues = JSON.parse(
  `{"__proto__":{"admin":true},"constructor":"c","naïve ключ 鍵 😀":"°C","":"empty","a\\u0000b":"\\u0000",
    "lone":"\\ud800","numbers":[0,-1,1.5,1e300,4503599627370495,5e-324],"deep":{"a":{"b":[{"c":null}]}},
    "quote":"' \\" \\\\ %","10":"ten","9":"nine"}`,
) as JsonObject

/** An entry as a new identity has it, with these values in every section. */
export function entry(
  ref: DeviceRef,
  { values = { unit: '°C' }, status = 'enabled' as Identity['status'] }: Partial<Odd> = {},
): Entry {
  const metadata = { v: 1, t: 1_717_243_200_000, of: { unit: { v: 1, t: 1_717_243_200_000 } } }
  const section = { values, version: 1, metadata, sizeBytes: 10 }
  return {
    ref,
    identity: {
      generationId: '637132226218041937',
      etag: 1,
      status,
      statusReason: null,
      statusUpdatedTimeMs: 0,
      connectionStateUpdatedTimeMs: 0,
      lastActivityTimeMs: 1_717_243_200_000,
      authentication: { type: 'sas', primaryKey: 'cHJpbWFyeQ==', secondaryKey: 'c2Vjb25k' },
      iotEdge: false,
      managedBy: '',
      modelId: '',
    },
    twin: { etag: 1, version: 1, tags: values, desired: section, reported: section },
  }
}

interface Odd {
  readonly values: JsonObject
  readonly status: Identity['status']
}

/** The entry after a patch of reported properties. */
export function report(e: Entry, patch: JsonObject): Entry {
  const { reported } = e.twin
  const next = {
    ...reported,
    values: { ...reported.values, ...patch },
    version: reported.version + 1,
  }
  return { ...e, twin: { ...e.twin, version: e.twin.version + 1, reported: next } }
}

/** What a test opens is closed at its end. */
export async function opened(open: () => Promise<Registry>) {
  const registry = await open()
  return { registry, [Symbol.asyncDispose]: () => registry.close() }
}
