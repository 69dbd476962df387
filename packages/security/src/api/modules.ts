import { HubError, parseDuration } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { DeletedModule } from '../modules/lifecycle.ts'
import type { FinishedPass } from '../modules/reconcile.ts'
import type { ModuleRecord } from '../modules/record.ts'
import { MODULE_STATES } from '../modules/state.ts'
import type { SecurityService } from '../security.ts'
import type { ApiGuard } from './guard.ts'
import {
  defined,
  formatTime,
  optionalText,
  PAGE_PARAMETERS,
  type PageQuery,
  readPage,
  readTime,
  readWord,
} from './query.ts'

/** What fits into a tag beside everything else. */
const MAX_REASON_CHARACTERS = 256

const Device = Type.Object({ deviceId: Type.String() })
type DeviceParams = Static<typeof Device>

const Reason = Type.Optional(
  Type.String({ maxLength: MAX_REASON_CHARACTERS, description: 'For people; shown in the twin' }),
)

const Creation = Type.Object(
  {
    restore: Type.Optional(
      Type.Boolean({
        description:
          'Whether it gets the configuration of a deleted module. Default: if that was of this ' +
          'device, not of another one with its id. With true, a module that exists gets it.',
      }),
    ),
  },
  { additionalProperties: false },
)

const SuspensionBody = Type.Object(
  {
    untilUtc: Type.Optional(
      Type.String({ description: 'When it resumes by itself; without, when somebody resumes' }),
    ),
    duration: Type.Optional(
      Type.String({ description: 'In place of untilUtc: how long, such as PT2H or P1D' }),
    ),
    reason: Reason,
  },
  { additionalProperties: false },
)

const Retirement = Type.Object({ reason: Reason }, { additionalProperties: false })

/** A command without anything to say needs no body. */
function optionalBody<T extends Parameters<typeof Type.Union>[0][number]>(schema: T) {
  return Type.Union([schema, Type.Null()])
}

interface Options {
  readonly security: SecurityService
  readonly guard: ApiGuard
}

/** The life of security modules: `/api/security/modules`, and what one device is told (security 01 §7). */
export function moduleRoutes(app: FastifyInstance, options: Options): void {
  listRoutes(app, options)
  tombstoneRoutes(app, options)
  deviceRoutes(app, options)
}

function listRoutes(app: FastifyInstance, { security }: Options): void {
  const querystring = Type.Object({
    state: optionalText(MODULE_STATES.join(', ')),
    ...PAGE_PARAMETERS,
  })
  app.get<{ Querystring: PageQuery & { state?: string } }>(
    '/api/security/modules',
    {
      schema: {
        tags: ['security'],
        summary: 'List security modules with their states, and how many are in each',
        querystring,
      },
    },
    async ({ query }) => {
      const state = readWord('state', query.state, MODULE_STATES)
      const [page, counts] = await Promise.all([
        security.modules.list({ ...readPage(query), ...defined({ state }) }),
        security.modules.counts(),
      ])
      const { items, continuationToken } = page
      const lastPass = passView(security.lastPass())
      return { items: items.map(moduleView), continuationToken, counts, lastPass }
    },
  )
}

function tombstoneRoutes(app: FastifyInstance, { security, guard }: Options): void {
  const tags = ['security']
  app.get<{ Querystring: PageQuery }>(
    '/api/security/modules/tombstones',
    {
      schema: {
        tags,
        summary: 'List what is kept of deleted security modules, the last deleted first',
        querystring: Type.Object(PAGE_PARAMETERS),
      },
    },
    async ({ query }) => {
      const { items, continuationToken } = await security.modules.tombstones(readPage(query))
      return { items: items.map(tombstoneView), continuationToken }
    },
  )

  app.delete<{ Params: DeviceParams }>(
    '/api/security/modules/tombstones/:deviceId',
    {
      schema: { tags, summary: 'Forget what is kept of a deleted security module', params: Device },
    },
    async (request, reply) => {
      await security.modules.forget(request.params.deviceId, guard.caller(request))
      return reply.code(204).send()
    },
  )
}

function deviceRoutes(app: FastifyInstance, { security, guard }: Options): void {
  const tags = ['security']
  const { modules } = security

  app.post<{ Params: DeviceParams; Body: Static<typeof Creation> | null }>(
    '/api/devices/:deviceId/security/module',
    {
      schema: {
        tags,
        summary: 'Give a device a security module, or restore its configuration',
        params: Device,
        body: optionalBody(Creation),
      },
    },
    async (request, reply) => {
      const { deviceId } = request.params
      const caller = { by: guard.caller(request), isPrivileged: guard.isPrivileged(request) }
      const outcome = await modules.create(deviceId, request.body?.restore, caller)
      const view = await security.deviceSecurity(deviceId)
      return reply.code(201).send({ ...view, outcome })
    },
  )

  app.post<{ Params: DeviceParams; Body: Static<typeof SuspensionBody> | null }>(
    '/api/devices/:deviceId/security/suspend',
    {
      schema: {
        tags,
        summary: 'Switch the collection of a security agent off for a while',
        params: Device,
        body: optionalBody(SuspensionBody),
      },
    },
    async (request) => {
      const { deviceId } = request.params
      await modules.suspend(deviceId, readWish(request.body ?? {}), guard.caller(request))
      return security.deviceSecurity(deviceId)
    },
  )

  app.post<{ Params: DeviceParams }>(
    '/api/devices/:deviceId/security/resume',
    { schema: { tags, summary: 'End a suspension or a retirement', params: Device } },
    async (request) => {
      await modules.resume(request.params.deviceId, guard.caller(request))
      return security.deviceSecurity(request.params.deviceId)
    },
  )

  app.post<{ Params: DeviceParams; Body: Static<typeof Retirement> | null }>(
    '/api/devices/:deviceId/security/retire',
    {
      schema: {
        tags,
        summary: 'Take a device out of service; its record becomes read-only',
        params: Device,
        body: optionalBody(Retirement),
      },
    },
    async (request) => {
      const { deviceId } = request.params
      await modules.retire(deviceId, request.body?.reason ?? '', guard.caller(request))
      return security.deviceSecurity(deviceId)
    },
  )
}

function readWish({ untilUtc, duration, reason = '' }: Static<typeof SuspensionBody>) {
  if (duration === undefined) return { untilMs: readTime('untilUtc', untilUtc) ?? 0, reason }
  const forMs = parseDuration(duration)
  if (forMs === undefined || forMs === 0) {
    throw new HubError('ArgumentInvalid', 'duration must be an ISO 8601 duration such as PT2H.')
  }
  if (untilUtc !== undefined) {
    throw new HubError('ArgumentInvalid', 'Give either untilUtc or duration.')
  }
  return { forMs, reason }
}

function passView(pass: FinishedPass | undefined): object | null {
  if (pass === undefined) return null
  const { startedMs, endedMs, ...counts } = pass
  return { startedUtc: formatTime(startedMs), endedUtc: formatTime(endedMs), ...counts }
}

function moduleView({ deviceId, kept, state, sinceMs, suspension }: ModuleRecord): object {
  return {
    deviceId,
    moduleId: kept?.moduleId ?? null,
    state,
    stateSinceUtc: formatTime(sinceMs),
    ...(state === 'suspended' && { suspendedUntilUtc: formatTime(suspension?.untilMs ?? 0) }),
  }
}

function tombstoneView(tombstone: DeletedModule): object {
  const { deviceId, moduleId, cause, deletedMs, expiresMs, tags, securityGroup } = tombstone
  return {
    deviceId,
    moduleId,
    /** `module`: it alone was deleted; `device`: its device was. */
    cause,
    deletedUtc: formatTime(deletedMs),
    expiresUtc: formatTime(expiresMs),
    securityGroup,
    tags,
    desired: tombstone.desired,
  }
}
