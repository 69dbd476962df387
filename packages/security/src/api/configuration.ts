import { HubError, type JsonObject } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { HISTORY_LAYERS } from '../configuration/configuration-store.ts'
import { type LayerName, readGroupName } from '../configuration/shared-settings.ts'
import type { SecurityService } from '../security.ts'
import { historyView, layerSummary, layerView } from './configuration-views.ts'
import type { ApiGuard } from './guard.ts'
import { optionalText, PAGE_PARAMETERS, type PageQuery, readPage, readWord } from './query.ts'

const DeviceParams = Type.Object({ deviceId: Type.String() })
const GroupParams = Type.Object({ name: Type.String() })
const Scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()])

/** Settings by name; `null` takes a value away. */
const ConfigChange = Type.Object(
  { settings: Type.Record(Type.String({ maxLength: 256 }), Scalar) },
  { additionalProperties: false },
)

const HistoryQuery = Type.Object({
  device: optionalText('Changes of this device'),
  layer: optionalText(`One of ${HISTORY_LAYERS.join(', ')}`),
  group: optionalText('Changes of the layer of this group'),
  ...PAGE_PARAMETERS,
})

interface HistoryParameters extends PageQuery {
  readonly device?: string
  readonly layer?: string
  readonly group?: string
}

interface Options {
  readonly security: SecurityService
  readonly guard: ApiGuard
}

type Change = Static<typeof ConfigChange>
const tags = ['security configuration']

/** Configuration of agents: of one device, of groups, of the hub; and its history (security 02). */
export function configurationRoutes(app: FastifyInstance, options: Options): void {
  deviceRoutes(app, options)
  layerRoutes(app, options)
  historyRoutes(app, options)
}

function deviceRoutes(app: FastifyInstance, { security, guard }: Options): void {
  const url = '/api/devices/:deviceId/security/config'

  app.get<{ Params: Static<typeof DeviceParams> }>(
    url,
    {
      schema: {
        tags,
        summary: 'Configuration: desired, reported, effective with sources, drift',
        params: DeviceParams,
      },
    },
    async ({ params }) => security.configurations.view(params.deviceId),
  )

  app.patch<{ Params: Static<typeof DeviceParams>; Body: Change }>(
    url,
    {
      schema: {
        tags,
        summary: "Change a device's own settings; null goes back to group, hub or default",
        params: DeviceParams,
        body: ConfigChange,
      },
    },
    async (request) => {
      const settings = readSettings(request.body)
      await security.modules.refuseRetired(request.params.deviceId)
      return security.configurations.change(request.params.deviceId, settings, {
        by: guard.caller(request),
        isPrivileged: guard.isPrivileged(request),
      })
    },
  )
}

function layerRoutes(app: FastifyInstance, options: Options): void {
  const { shared } = options.security.configurations
  layerRoutesAt(app, options, { url: '/api/security/config', what: 'the hub' })
  layerRoutesAt(app, options, {
    url: '/api/security/groups/:name/config',
    what: 'a security group',
    params: GroupParams,
  })
  app.get(
    '/api/security/config/groups',
    { schema: { tags, summary: 'Security groups that have settings' } },
    async () => ({ items: (await shared.groups()).map(layerSummary), continuationToken: null }),
  )
}

interface LayerRoute {
  Params: { readonly name?: string }
  Body: Change
}

function layerRoutesAt(
  app: FastifyInstance,
  { security, guard }: Options,
  route: { readonly url: string; readonly what: string; readonly params?: typeof GroupParams },
): void {
  const { shared } = security.configurations
  const { url, what } = route
  const params = route.params ? { params: route.params } : {}

  app.get<LayerRoute>(
    url,
    { schema: { tags, summary: `Settings that devices inherit from ${what}`, ...params } },
    async (request) => layerView(await shared.show(layerName(request.params))),
  )

  app.patch<LayerRoute>(
    url,
    {
      schema: {
        tags,
        summary: `Change what devices inherit from ${what}; null takes a setting away`,
        ...params,
        body: ConfigChange,
      },
    },
    async (request) => {
      const caller = { by: guard.caller(request), isPrivileged: guard.isPrivileged(request) }
      const settings = readSettings(request.body)
      return layerView(await shared.change(layerName(request.params), settings, caller))
    },
  )
}

function historyRoutes(app: FastifyInstance, { security }: Options): void {
  const { configurations } = security

  app.get<{ Params: Static<typeof DeviceParams>; Querystring: HistoryParameters }>(
    '/api/devices/:deviceId/security/config/history',
    {
      schema: {
        tags,
        summary: "Changes of a device's configuration, newest first",
        params: DeviceParams,
        querystring: Type.Object(PAGE_PARAMETERS),
      },
    },
    async ({ params, query }) =>
      historyView(await configurations.deviceHistory({ ...params, ...readPage(query) })),
  )

  app.get<{ Querystring: HistoryParameters }>(
    '/api/security/config/history',
    {
      schema: {
        tags,
        summary: 'Changes of configurations, newest first',
        querystring: HistoryQuery,
      },
    },
    async ({ query }) => {
      const { device, group } = query
      const layer = readWord('layer', query.layer, HISTORY_LAYERS)
      const page = await configurations.history({
        ...readPage(query),
        ...(device !== undefined && { deviceId: device }),
        ...(layer !== undefined && { layer }),
        ...(group !== undefined && { group: readGroupName(group) }),
      })
      return historyView(page)
    },
  )
}

function layerName({ name }: { readonly name?: string }): LayerName {
  return name === undefined ? 'hub' : { group: readGroupName(name) }
}

function readSettings(body: Change): JsonObject {
  const settings = body.settings as JsonObject
  if (Object.keys(settings).length > 0) return settings
  throw new HubError('ArgumentInvalid', 'settings names nothing to change.')
}
