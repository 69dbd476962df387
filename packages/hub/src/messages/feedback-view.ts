import type { JsonObject } from '@twinward/protocol'
import { formatTime } from '../twins/view.ts'
import type { StoredFeedback } from './message-queue.ts'

/** A record as IoT Hub shows it (04 §9); the module is ours, because without it nobody could tell. */
export function feedbackView({
  owner,
  originalMessageId,
  status,
  timeMs,
}: StoredFeedback): JsonObject {
  const { ref, generationId } = owner
  return {
    originalMessageId,
    enqueuedTimeUtc: formatTime(timeMs),
    statusCode: status,
    description: status,
    deviceId: ref.deviceId,
    deviceGenerationId: generationId,
    ...(ref.moduleId !== undefined && { moduleId: ref.moduleId }),
  }
}
