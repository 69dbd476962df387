import { HubError } from '@twinward/protocol'
import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { type ChangeSubject, type FindingChange, subjectOf } from '../findings/finding-change.ts'
import { SEVERITIES } from '../notifications/channel.ts'
import { matchesGlob } from '../notifications/glob.ts'
import type { SecurityService } from '../security.ts'
import { followFeed } from './follow-feed.ts'
import { optionalText, readWord } from './query.ts'

/** Streams that are open at a time. */
export const MAX_STREAMS = 100

interface StreamQuery {
  readonly severity?: string
  readonly type?: string
  readonly device?: string
  readonly group?: string
  readonly lastEventId?: string
}

type Wanted = (change: FindingChange) => Promise<boolean>

/** `/api/security/stream`: new and changed findings as server-sent events, in order, from the feed. */
export function streamRoutes(
  app: FastifyInstance,
  { security }: { readonly security: SecurityService },
): void {
  const open = new Set<AbortController>()
  app.addHook('preClose', async () => {
    for (const stream of open) stream.abort()
  })
  app.get<{ Querystring: StreamQuery }>(
    '/api/security/stream',
    {
      // It would never end either.
      exposeHeadRoute: false,
      schema: {
        tags: ['security'],
        summary: 'Follow new and changed findings (server-sent events)',
        querystring: Type.Object({
          severity: optionalText(`At least: ${SEVERITIES.join(', ')}`),
          type: optionalText('Pattern of alert and recommendation types'),
          device: optionalText('Pattern of device ids'),
          group: optionalText('Security group'),
          lastEventId: optionalText('Go on after this id, as the header Last-Event-ID'),
        }),
      },
    },
    async (request, reply) => {
      const { feed, clock } = security.reporting
      const wanted = wantedBy(request.query, (id) => security.reporting.judge.groupOf(id))
      const header = request.headers['last-event-id']
      const resume = readId(typeof header === 'string' ? header : request.query.lastEventId)
      const last = await feed.last()
      if (open.size >= MAX_STREAMS) {
        throw new HubError('ThrottlingException', `${MAX_STREAMS} streams are open, the most.`)
      }
      const ended = new AbortController()
      open.add(ended)
      reply.hijack()
      const { raw } = reply
      raw.on('close', () => ended.abort())
      raw.on('error', () => ended.abort())
      try {
        // An id of before the data was lost, or of another hub, says nothing here.
        const after = resume === undefined || resume > last ? last : resume
        await followFeed(raw, { feed, clock, wanted, after, signal: ended.signal })
      } catch (error) {
        // The client went away, took nothing for too long, or the store is closing; else it is a bug.
        if (!ended.signal.aborted && !(error instanceof HubError)) {
          request.log.error({ err: error }, 'a stream of findings failed')
        }
      } finally {
        open.delete(ended)
        raw.destroy()
      }
    },
  )
}

function readId(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new HubError('ArgumentInvalid', 'Last-Event-ID must be an id that this stream gave.')
}

function wantedBy(query: StreamQuery, groupOf: (deviceId: string) => Promise<string>): Wanted {
  const least = readWord('severity', query.severity, SEVERITIES) ?? 'Informational'
  const group = query.group?.toLowerCase()
  const fits = ({ severity, type, deviceId }: ChangeSubject) =>
    SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least) &&
    matchesGlob(query.type ?? '*', type) &&
    matchesGlob(query.device ?? '*', deviceId)
  return async (change) => {
    const subject = subjectOf(change)
    if (!fits(subject)) return false
    return group === undefined || (await groupOf(subject.deviceId)) === group
  }
}
