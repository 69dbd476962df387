import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import type { Explanation } from '../detection/explain/explain.ts'
import type { SecurityService } from '../security.ts'
import { formatTime, optionalText } from './query.ts'

interface ExplainQuery {
  readonly event?: string
  readonly device?: string
  readonly type?: string
}

/** `/api/security/explain`: why a stored event did, or did not, raise alerts. */
export function explainRoutes(app: FastifyInstance, security: SecurityService): void {
  const querystring = Type.Object({
    event: optionalText('Event id, as /api/security/events and evidence of alerts show it'),
    device: optionalText('Device id'),
    type: optionalText('Only this alert type, such as IoT_WebShell'),
  })
  app.get<{ Querystring: ExplainQuery }>(
    '/api/security/explain',
    {
      schema: {
        tags: ['security'],
        summary: 'Tell for each rule why a stored event did or did not raise an alert',
        querystring,
      },
    },
    async ({ query: { event, device, type } }) => {
      if (!event || !device) {
        throw new HubError('ArgumentInvalid', 'Give both: event, the id of one, and device.')
      }
      return explanationView(await security.explanations.explain(device, event, type))
    },
  )
}

function explanationView(explanation: Explanation): object {
  const { header, records, explained, kinds, asOfMs, rules } = explanation
  return {
    deviceId: header.ref.deviceId,
    eventId: header.eventId,
    name: header.name,
    timeUtc: formatTime(header.timeMs),
    receivedUtc: formatTime(header.receivedMs),
    ...{ records, explained, kinds },
    asOfUtc: formatTime(asOfMs),
    rules,
  }
}
