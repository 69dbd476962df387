import type { Delivery } from '../src/notifications/delivery.ts'
import { distribute } from '../src/notifications/distribute.ts'
import { EVERYTHING } from '../src/notifications/route.ts'
import { sampleAlert } from './samples.ts'

/** The delivery of a new alert, as a channel is given it. */
export function sampleDelivery(alert: Parameters<typeof sampleAlert>[0] = {}): Delivery {
  const route = { ...EVERYTHING, id: 'all', channels: ['c'] }
  const progress = {
    ...{ cursor: 0, lastNumber: 0, windows: {}, delivered: 0, deadLettered: 0, missed: 0 },
    ...{ droppedDeadLetters: 0, lastSuccessMs: 0, lastFailureMs: 0, lastFailure: '' },
  }
  const { deliveries } = distribute(
    progress,
    [{ sequence: 1, alert: sampleAlert(alert) }],
    [route],
    {
      ...{ channelId: 'c', nowMs: Date.UTC(2024, 0, 1), baseUrl: 'https://hub.example' },
      makeId: () => '6f3c0a52-30a1-4c6d-8e52-9d1f6a7b0c11',
      groupOf: () => 'default',
    },
  )
  const [delivery] = deliveries
  if (!delivery) throw new Error('nothing to deliver')
  return delivery
}
