import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Hub } from '../../hub.ts'
import { feedbackView } from '../../messages/feedback-view.ts'
import { authorize } from './authorize.ts'
import { lockToken } from './cloud-messages.ts'

const FEEDBACK = '/messages/serviceBound/feedback'
const LockParams = Type.Object({ lock: Type.String() })

interface LockRoute {
  Params: Static<typeof LockParams>
}

/**
 * What became of cloud-to-device messages (05 §2, 04 §9). A batch is what waits, at once: nobody is
 * held for the 15 s in which a batch of IoT Hub fills.
 *
 *     GET    …/feedback                   200, the records and an ETag with the lock; or 204
 *     DELETE …/feedback/{lock}            complete
 *     POST   …/feedback/{lock}/abandon    abandon
 */
export function feedbackRoutes(app: FastifyInstance, hub: Hub): void {
  const onRequest = authorize(hub.authenticator, 'ServiceConnect')
  const tags = ['cloud-to-device messages']

  app.get(
    FEEDBACK,
    {
      onRequest,
      // A HEAD would lock a batch that nobody gets.
      exposeHeadRoute: false,
      schema: { tags, summary: 'Receive a batch of feedback' },
    },
    async (_request, reply) => {
      const batch = await hub.feedback.receive()
      if (!batch) return reply.code(204).send()
      reply.header('etag', `"${batch.lockToken}"`)
      return batch.records.map(feedbackView)
    },
  )

  app.delete<LockRoute>(
    `${FEEDBACK}/:lock`,
    { onRequest, schema: { tags, summary: 'Complete a batch of feedback', params: LockParams } },
    async (request, reply) => {
      await hub.feedback.complete(lockToken(request.params.lock))
      return reply.code(204).send()
    },
  )

  app.post<LockRoute>(
    `${FEEDBACK}/:lock/abandon`,
    { onRequest, schema: { tags, summary: 'Abandon a batch of feedback', params: LockParams } },
    async (request, reply) => {
      hub.feedback.abandon(lockToken(request.params.lock))
      return reply.code(204).send()
    },
  )
}
