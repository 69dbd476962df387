import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { HeldBack } from '../data/noise.ts'
import type { AlertType } from '../detection/rule.ts'
import type { RuleSetting } from '../detection/switches.ts'
import type { SecurityService } from '../security.ts'
import { SEVERITIES } from './alerts.ts'
import { defined, optionalText, readWord } from './query.ts'

const Setting = Type.Object(
  {
    group: Type.Optional(
      Type.String({ maxLength: 128, description: 'A security group; default: the whole hub' }),
    ),
    isEnabled: Type.Optional(
      Type.Boolean({ description: 'Default: as set for the hub, else true' }),
    ),
    severity: Type.Optional(
      Type.String({ description: `${SEVERITIES.join(', ')}; default: the rule's own` }),
    ),
  },
  { additionalProperties: false },
)

/** `/api/security/rules`: the built-in alerts, and their switches for the hub and for groups. */
export function ruleRoutes(
  app: FastifyInstance,
  { security }: { readonly security: SecurityService },
): void {
  const { detection } = security
  const tags = ['security']

  app.get<{ Querystring: { group?: string } }>(
    '/api/security/rules',
    {
      schema: {
        tags,
        summary: 'List the built-in rules with what is set for the hub or a group',
        querystring: Type.Object({ group: optionalText('A security group') }),
      },
    },
    async ({ query }) => {
      const settings = detection.settings.settingsOf(query.group)
      const heldBack = heldBackByType(await security.heldBack())
      const items = detection.types.map((type) => ({
        ...ruleView(type, settings[type.alertType]),
        heldBack: heldBack.get(type.alertType) ?? {},
      }))
      return { group: query.group ?? null, groups: detection.settings.groups(), items }
    },
  )

  app.put<{ Params: { alertType: string }; Body: Static<typeof Setting> }>(
    '/api/security/rules/:alertType',
    {
      schema: {
        tags,
        summary: 'Switch a rule off or change its severity; without either, as it is by itself',
        params: Type.Object({ alertType: Type.String({ description: 'Such as IoT_WebShell' }) }),
        body: Setting,
      },
    },
    async ({ params, body }) => {
      const { group, isEnabled } = body
      const severity = readWord('severity', body.severity, SEVERITIES)
      await detection.settings.set(params.alertType, defined({ isEnabled, severity }), group)
      const type =
        detection.types.find(({ alertType }) => alertType === params.alertType) ??
        detection.sigma.typeOf(params.alertType)
      const setting = detection.settings.settingsOf(group)[params.alertType]
      return { group: group ?? null, ...(type && ruleView(type, setting)) }
    },
  )
}

/** The rule by itself, and in `setting` what is set for the hub or group that was asked for. */
function ruleView(type: AlertType, { isEnabled, severity }: RuleSetting = {}): object {
  return { ...type, setting: { isEnabled: isEnabled ?? null, severity: severity ?? null } }
}

/** Findings of each type that raised no open alert, by reason: `{ suppressed: 3, flood: 1 }`. */
function heldBackByType(all: readonly HeldBack[]): ReadonlyMap<string, Record<string, number>> {
  const byType = new Map<string, Record<string, number>>()
  for (const { alertType, reason, count } of all) {
    const counts = byType.get(alertType) ?? {}
    counts[reason] = (counts[reason] ?? 0) + count
    byType.set(alertType, counts)
  }
  return byType
}
