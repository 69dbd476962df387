import { randomUUID } from 'node:crypto'
import {
  type CloudMessage,
  type FeedbackRequest,
  HubError,
  isValidId,
  MAX_CLOUD_MESSAGE_BYTES,
} from '@twinward/protocol'
import { formatTime } from '../twins/view.ts'
import type { FeedbackRecord, FeedbackStatus, MessageHead } from './message-queue.ts'

/** How long a message waits at most, unless the hub is set otherwise (10 §2). */
export const DEFAULT_MESSAGE_TTL_MS = 3600_000
/** What a hub may be set to (10 §2). */
export const MIN_MESSAGE_TTL_MS = 60_000
export const MAX_MESSAGE_TTL_MS = 2 * 24 * 3600_000
/** Abandons after which a message is dead (10 §2); locks that run out do not count. */
export const MAX_DELIVERY_COUNT = 10

const FEEDBACK_REQUESTS: readonly string[] = ['none', 'positive', 'negative', 'full']
/** Names and values of properties (10 §1): printable ASCII, which every protocol can carry. */
const PRINTABLE = /^[\x20-\x7e]*$/
/** A date of ISO 8601 that names its zone; without a time it would not say when. */
const ISO_DATE = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/

/** A message that may enter a queue. */
export interface AcceptedMessage extends CloudMessage {
  readonly messageId: string
  readonly enqueuedTimeMs: number
  readonly expiresAtMs: number
  readonly deliveryCount: number
}

/**
 * Checks a message and gives it its id and its end: the earlier of its own expiry and the hub's TTL.
 *
 * @throws {HubError} `ArgumentInvalid`; `MessageTooLarge`; `InvalidMessageExpiryTime` when its own
 *   expiry is past or more than `MAX_MESSAGE_TTL_MS` away
 */
export function acceptMessage(
  { system, ack, application, body }: CloudMessage,
  nowMs: number,
  ttlMs: number,
): AcceptedMessage {
  const { to: _to, expiryTimeUtc, messageId = randomUUID(), ...others } = system
  checkIds({ messageId, correlationId: others.correlationId, userId: others.userId })
  checkTexts(others, application)
  if (!FEEDBACK_REQUESTS.includes(ack)) {
    throw new HubError('ArgumentInvalid', `ack must be one of ${FEEDBACK_REQUESTS.join(', ')}.`)
  }
  const ownMs = expiryTimeUtc === undefined ? undefined : readExpiry(expiryTimeUtc, nowMs)
  const expiresAtMs = Math.min(ownMs ?? Number.POSITIVE_INFINITY, nowMs + ttlMs)
  const message = {
    system: {
      ...others,
      messageId,
      ...(ownMs !== undefined && { expiryTimeUtc: formatTime(expiresAtMs) }),
    },
    ack,
    application,
    body,
  }
  if (messageBytes(message) > MAX_CLOUD_MESSAGE_BYTES) {
    throw new HubError('MessageTooLarge', `A message may take ${MAX_CLOUD_MESSAGE_BYTES} bytes.`)
  }
  return { ...message, messageId, enqueuedTimeMs: nowMs, expiresAtMs, deliveryCount: 0 }
}

/** The record about a message, if its sender asked to hear of such an end (10 §2). */
export function feedbackOn(
  { owner, messageId, ack }: MessageHead,
  status: FeedbackStatus,
  timeMs: number,
): FeedbackRecord | undefined {
  const wanted: FeedbackRequest = status === 'Success' ? 'positive' : 'negative'
  if (ack !== 'full' && ack !== wanted) return undefined
  return { owner, originalMessageId: messageId, status, timeMs }
}

function checkIds(ids: { readonly [name: string]: string | undefined }): void {
  for (const [name, id] of Object.entries(ids)) {
    if (id === undefined || isValidId(id)) continue
    throw new HubError(
      'ArgumentInvalid',
      `${name} may have up to 128 letters, digits and - : . + % _ # * ? ! ( ) , = @ ; $ '`,
    )
  }
}

function checkTexts(
  system: { readonly [name: string]: string | undefined },
  application: CloudMessage['application'],
): void {
  for (const [name, value] of Object.entries(system)) {
    if (value !== undefined && !PRINTABLE.test(value)) throw notPrintable(`the value of ${name}`)
  }
  for (const [name, value] of Object.entries(application)) {
    if (name === '') throw new HubError('ArgumentInvalid', 'A property needs a name.')
    if (!PRINTABLE.test(name)) throw notPrintable('the name of a property')
    if (value !== null && !PRINTABLE.test(value)) {
      throw notPrintable(`the value of property '${name.slice(0, 64)}'`)
    }
  }
}

function notPrintable(what: string): HubError {
  return new HubError('ArgumentInvalid', `Only printable ASCII may be in ${what}.`)
}

function readExpiry(text: string, nowMs: number): number {
  const ms = ISO_DATE.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) {
    throw new HubError('ArgumentInvalid', 'The expiry must be a time such as 2026-01-02T10:00:00Z.')
  }
  if (ms <= nowMs || ms > nowMs + MAX_MESSAGE_TTL_MS) {
    throw new HubError(
      'InvalidMessageExpiryTime',
      'A message may expire from now on, and within two days.',
    )
  }
  return ms
}

/** Body, values of system properties, names and values of application properties, as for telemetry. */
function messageBytes({ system, application, body }: CloudMessage): number {
  let bytes = body.byteLength
  for (const value of Object.values(system)) bytes += Buffer.byteLength(value)
  for (const [name, value] of Object.entries(application)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value ?? '')
  }
  return bytes
}
