import type { Severity } from '../detection/alert.ts'
import type { ChangeKind } from '../findings/finding-change.ts'

/** What is sent: a change of a finding, a summary of several, or a test. */
export type DeliveryEvent = ChangeKind | 'summary' | 'test'

/** One notification on its way to one channel. Each attempt sends exactly the same. */
export interface Delivery {
  /** The same in every attempt, so that who got it twice can tell. */
  readonly id: string
  readonly channelId: string
  /** Order within the channel. */
  readonly number: number
  readonly event: DeliveryEvent
  /** Those with the same key arrive in order: the id of the finding. */
  readonly orderKey: string
  /** Of the finding; of a summary the worst. */
  readonly severity: Severity
  /** The finding's type; empty in summaries. */
  readonly type: string
  /** Empty in summaries. */
  readonly deviceId: string
  readonly createdMs: number
  /** What is told, as a JSON object. */
  readonly body: NotificationBody
  readonly attempts: number
  /** Not to be sent before. */
  readonly nextMs: number
  /** Why the last attempt failed; empty before one did. */
  readonly lastError: string
  readonly drill?: string
}

/** The JSON document that webhooks, NATS and the stream of findings carry. */
export interface NotificationBody {
  readonly id: string
  readonly event: DeliveryEvent
  readonly timeUtc: string
  /** The finding's page of the API. */
  readonly link?: string
  readonly [member: string]: unknown
}

/** A delivery that was given up. */
export interface DeadLetter {
  readonly delivery: Delivery
  readonly deadMs: number
  readonly reason: string
}
