import { parseMqttFilter } from '@twinward/protocol'
import type { Connection } from './connection.ts'
import type { FrameReader } from './frames.ts'
import { decodeSubscribe } from './packets.ts'
import type { Session } from './session.ts'
import { withoutSubscription, withSubscription } from './subscriptions.ts'
import { encodeSuback, encodeUnsuback } from './writer.ts'

const REFUSED = 0x80

/**
 * A client subscribes; the filters are a fixed list:
 *
 *     → SUBSCRIBE $iothub/twin/res/# (QoS 2), a/b (QoS 0)
 *     ← SUBACK 1, 0x80
 */
export function receiveSubscribe(
  session: Session,
  connection: Connection,
  frame: FrameReader,
): void {
  const packet = decodeSubscribe(frame)
  if (!packet) {
    connection.fail('a malformed SUBSCRIBE')
    return
  }
  let subscriptions = session.subscriptions
  const codes = packet.entries.map(({ filter, qos }) => {
    const kind = parseMqttFilter(filter, session.ref)
    if (kind === undefined) return REFUSED
    const granted = Math.min(qos, 1)
    subscriptions = withSubscription(subscriptions, kind, granted)
    return granted
  })
  session.setSubscriptions(subscriptions)
  connection.sendPacket(encodeSuback(packet.packetId, codes))
}

/** Always acknowledged, whatever the filters. */
export function receiveUnsubscribe(
  session: Session,
  connection: Connection,
  frame: FrameReader,
): void {
  const packet = decodeSubscribe(frame)
  if (!packet) {
    connection.fail('a malformed UNSUBSCRIBE')
    return
  }
  let subscriptions = session.subscriptions
  for (const { filter } of packet.entries) {
    const kind = parseMqttFilter(filter, session.ref)
    if (kind !== undefined) subscriptions = withoutSubscription(subscriptions, kind)
  }
  session.setSubscriptions(subscriptions)
  connection.sendPacket(encodeUnsuback(packet.packetId))
}
