import { type MqttSubscription, parseMqttFilter } from '@twinward/protocol'
import type { Use } from '../../registry/permissions.ts'
import type { Connection } from './connection.ts'
import { encodeSuback, encodeUnsuback } from './encode.ts'
import type { FrameReader } from './frames.ts'
import { decodeSubscribe } from './packets.ts'
import { REASON } from './reasons.ts'
import type { Session } from './session.ts'
import { subscribed, withoutSubscription, withSubscription } from './subscriptions.ts'

/** Of MQTT 3.1.1. */
const REFUSED = 0x80
const SHARED = '$share/'

/**
 * A client subscribes; the filters are a fixed list:
 *
 *     → SUBSCRIBE $iothub/twin/res/# (QoS 2), a/b (QoS 0)
 *     ← SUBACK 1, 0x80    (in MQTT 5: 0x8f)
 */
export function receiveSubscribe(
  session: Session,
  connection: Connection,
  frame: FrameReader,
): void {
  const { isMqtt5 } = session
  const packet = decodeSubscribe(frame, isMqtt5)
  if (!packet) {
    connection.fail('a malformed SUBSCRIBE', REASON.malformedPacket)
    return
  }
  if (packet.hasSubscriptionId) {
    connection.fail('a subscription id', REASON.subscriptionIdsNotSupported)
    return
  }
  const before = session.subscriptions
  let subscriptions = before
  const codes = packet.entries.map(({ filter, qos }) => {
    const kind = parseMqttFilter(filter, session.ref)
    if (kind === undefined) return isMqtt5 ? refusal(filter) : REFUSED
    if (!mayReceive(session, kind)) return isMqtt5 ? REASON.notAuthorized : REFUSED
    const granted = Math.min(qos, 1)
    subscriptions = withSubscription(subscriptions, kind, granted)
    return granted
  })
  const stored = session.setSubscriptions(subscriptions)
  acknowledge(connection, encodeSuback(packet.packetId, codes, isMqtt5), stored)
  session.subscribedSince(before)
}

/** Of what a subscription brings; its own twin everybody may read. */
const USE_OF: Readonly<Partial<Record<MqttSubscription, Use>>> = {
  'method-requests': 'methods',
  c2d: 'cloud-messages',
  inputs: 'inputs',
  'module-messages': 'cloud-messages',
}

function mayReceive({ hub, ref }: Session, kind: MqttSubscription): boolean {
  const use = USE_OF[kind]
  return use === undefined || hub.permissions.allows(ref, use)
}

function refusal(filter: string): number {
  return filter.startsWith(SHARED) ? REASON.sharedNotSupported : REASON.topicFilterInvalid
}

/** Always acknowledged, whatever the filters. */
export function receiveUnsubscribe(
  session: Session,
  connection: Connection,
  frame: FrameReader,
): void {
  const { isMqtt5 } = session
  const packet = decodeSubscribe(frame, isMqtt5)
  if (!packet) {
    connection.fail('a malformed UNSUBSCRIBE', REASON.malformedPacket)
    return
  }
  let subscriptions = session.subscriptions
  const codes = packet.entries.map(({ filter }) => {
    const kind = parseMqttFilter(filter, session.ref)
    if (kind === undefined || !subscribed(subscriptions, kind)) return REASON.noSubscription
    subscriptions = withoutSubscription(subscriptions, kind)
    return REASON.none
  })
  const stored = session.setSubscriptions(subscriptions)
  acknowledge(connection, encodeUnsuback(packet.packetId, codes, isMqtt5), stored)
}

/** Answers once the subscriptions are durable; what was sent before it stays before it. */
function acknowledge(
  connection: Connection,
  packet: Buffer,
  stored: Promise<void> | undefined,
): void {
  if (!stored) {
    connection.sendPacket(packet)
    return
  }
  const answer = connection.reserve(packet.length)
  answer.packet = packet
  stored.then(
    () => connection.settle(answer),
    (error) => {
      connection.fail('its subscriptions could not be stored', REASON.unspecified, error)
      connection.settle(answer)
    },
  )
}
