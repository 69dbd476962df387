import { isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'
import { quoted } from './query-text.ts'
import type { ServiceApi } from './service-api.ts'

/** A route of the hub that brings us what a hub in process would tell. */
interface WantedRoute {
  readonly name: string
  readonly source: string
  readonly condition: string
}

/**
 * Sees to it that a Twinward tells its events of devices and security modules to event readers.
 *
 * @throws {HubError} `IotHubUnauthorizedAccess` without RegistryWrite; `GenericNotFound` for a hub that is
 *   no Twinward
 */
export async function ensureRoutes(api: ServiceApi, moduleIds: readonly string[]): Promise<void> {
  const { body } = await api.call('GET', '/api/routing')
  const present = isJsonObject(body) && Array.isArray(body.routes) ? body.routes : []
  for (const wanted of wantedRoutes(moduleIds)) {
    if (present.some((route: JsonValue) => isJsonObject(route) && isAsWanted(route, wanted)))
      continue
    const { name, ...rest } = wanted
    const path = `/api/routing/routes/${name}`
    await api.call('PUT', path, { body: { ...rest, endpointNames: ['events'], isEnabled: true } })
  }
}

function wantedRoutes(moduleIds: readonly string[]): readonly WantedRoute[] {
  const ofModules = `$connectionModuleId IN [${moduleIds.map(quoted).join(', ')}]`
  return [
    { name: 'twinward-security-lifecycle', source: 'DeviceLifecycleEvents', condition: 'true' },
    {
      name: 'twinward-security-twins',
      source: 'TwinChangeEvents',
      // The tags of the device itself name its security group.
      condition: `${ofModules} OR is_defined($body.tags)`,
    },
    {
      name: 'twinward-security-connections',
      source: 'DeviceConnectionStateEvents',
      condition: ofModules,
    },
  ]
}

function isAsWanted(route: JsonObject, { name, source, condition }: WantedRoute): boolean {
  return (
    route.name === name &&
    route.source === source &&
    route.condition === condition &&
    route.isEnabled === true
  )
}
