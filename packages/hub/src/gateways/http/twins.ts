import { type DeviceRef, HubError, type JsonObject } from '@twinward/protocol'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'
import type { Hub } from '../../hub.ts'
import type { Entry } from '../../registry/registry.ts'
import { formatTwinEtag } from '../../twins/etag.ts'
import type { TwinCondition } from '../../twins/twins.ts'
import { serviceView } from '../../twins/view.ts'
import { audited } from './audited.ts'
import { authorize, authorOf } from './authorize.ts'
import { ifMatch } from './conditions.ts'
import {
  DeviceParams,
  ModuleParams,
  PROPERTIES_MEMBERS,
  TWIN_MEMBERS,
  TwinBody,
} from './schemas.ts'

type Body = Static<typeof TwinBody>

/** `/twins/{d}`, `/twins/{d}/modules/{m}`: GET, PATCH (merge), PUT (replace) (02 §3). */
export function twinRoutes(app: FastifyInstance, hub: Hub): void {
  twinRoutesAt(app, hub, '/twins/:deviceId', DeviceParams)
  twinRoutesAt(app, hub, '/twins/:deviceId/modules/:moduleId', ModuleParams)
}

function twinRoutesAt(app: FastifyInstance, hub: Hub, url: string, params: TSchema): void {
  const onRequest = authorize(hub.authenticator, 'ServiceConnect')
  const what = url.includes('module') ? 'module twin' : 'device twin'
  const tags = ['twins']
  const answer = (reply: FastifyReply, entry: Entry) => {
    reply.header('etag', `"${formatTwinEtag(entry.twin.etag)}"`)
    reply.header('content-type', 'application/json; charset=utf-8')
    const waiting = hub.cloudMessages.pendingCount(entry)
    return serviceView(entry, hub.sessions.isConnected(entry.ref), waiting)
  }

  app.get<{ Params: DeviceRef }>(
    url,
    { onRequest, schema: { tags, summary: `Get a ${what}`, params } },
    async (request, reply) => answer(reply, await hub.twins.get(request.params)),
  )

  app.patch<{ Params: DeviceRef; Body: Body }>(
    url,
    { onRequest, schema: { tags, summary: `Merge into a ${what}`, params, body: TwinBody } },
    async (request, reply) => {
      const { tags, desired } = readSections(request.body)
      const write = {
        ...(tags !== undefined && { tags }),
        ...(desired !== undefined && { desired }),
      }
      const condition = readCondition(ifMatch(request), desired)
      const patch = () => hub.twins.patch(request.params, write, condition, authorOf(request))
      const isSettings = desired !== undefined && hub.permissions.isSecurityModule(request.params)
      return answer(reply, await (isSettings ? auditedSettings(hub, request, patch) : patch()))
    },
  )

  app.put<{ Params: DeviceRef; Body: Body }>(
    url,
    { onRequest, schema: { tags, summary: `Replace a ${what}`, params, body: TwinBody } },
    async (request, reply) => {
      const { tags, desired } = readSections(request.body)
      const sections = { ...(tags && { tags }), ...(desired && { desired }) }
      const condition = readCondition(ifMatch(request), desired)
      const { params } = request
      const replace = () => hub.twins.replace(params, sections, condition, authorOf(request))
      const isSettings = hub.permissions.isSecurityModule(params)
      return answer(reply, await (isSettings ? auditedSettings(hub, request, replace) : replace()))
    },
  )
}

/** What a security module desires is configuration of the security service, whoever writes it. */
function auditedSettings(
  hub: Hub,
  request: FastifyRequest<{ Params: DeviceRef }>,
  write: () => Promise<Entry>,
): Promise<Entry> {
  const { deviceId, moduleId } = request.params
  const ref = { deviceId, ...(moduleId !== undefined && { moduleId }) }
  const change = { kind: 'security.change', subject: 'desired properties', ref } as const
  return audited(hub, request, change, write)
}

/** The two sections a service writes; `reported` and the mirror of the identity are let pass. */
function readSections(body: Body): {
  tags?: JsonObject | null
  desired?: JsonObject | null
} {
  checkMembers(body, TWIN_MEMBERS, 'A twin')
  checkMembers(body.properties ?? {}, PROPERTIES_MEMBERS, 'The object properties of a twin')
  const sections = body as {
    tags?: JsonObject | null
    properties?: { desired?: JsonObject | null }
  }
  return {
    ...(sections.tags !== undefined && { tags: sections.tags }),
    ...(sections.properties?.desired !== undefined && { desired: sections.properties.desired }),
  }
}

/** A name that is misspelt must not be passed over: nothing of the write would happen, or half of it. */
function checkMembers(object: object, known: ReadonlySet<string>, what: string): void {
  const stray = Object.keys(object).find((member) => !known.has(member))
  if (stray === undefined) return
  throw new HubError('GenericBadRequest', `${what} has no member '${stray.slice(0, 64)}'.`)
}

/** Without `If-Match`, a `$version` in desired must be the current one (02 §3.4). */
function readCondition(
  etag: string | undefined,
  desired: JsonObject | null | undefined,
): TwinCondition {
  const version = desired?.$version
  return {
    ...(etag !== undefined && { ifMatch: etag }),
    ...(typeof version === 'number' && { ifDesiredVersion: version }),
  }
}
