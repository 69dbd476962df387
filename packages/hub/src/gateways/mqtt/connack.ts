import { encodeConnack, encodeConnack5 } from './encode.ts'
import { MAX_PACKET_BYTES } from './limits.ts'
import { type Connect, isPersistent, MQTT_5 } from './packets.ts'
import type { SentProperties } from './properties.ts'
import { REASON } from './reasons.ts'

/** The greatest keep-alive whose one and a half times is within `MAX_SILENCE_MS` (03 §2.5). */
const MAX_KEEP_ALIVE_SECONDS = 1177
/** A session that is kept is kept until it is ended. */
const NEVER = 0xffff_ffff

/** Why a CONNECT is refused, by reason codes of MQTT 5; MQTT 3.1.1 has these (03 §2.4). */
const CODES_3: ReadonlyMap<number, number> = new Map([
  [REASON.unsupportedVersion, 1],
  [REASON.badClientId, 2],
  [REASON.serverUnavailable, 3],
  [REASON.badUserName, 4],
  [REASON.notAuthorized, 5],
])
const UNAUTHORIZED_3 = 5

export function encodeRefusedConnack(isMqtt5: boolean, code: number, text: string): Buffer {
  if (!isMqtt5) return encodeConnack(CODES_3.get(code) ?? UNAUTHORIZED_3)
  return encodeConnack5(code, false, { reasonString: text })
}

export function encodeAcceptedConnack(packet: Connect, sessionPresent: boolean): Buffer {
  if (packet.level !== MQTT_5) return encodeConnack(0, sessionPresent)
  return encodeConnack5(REASON.none, sessionPresent, terms(packet))
}

/** What a client of MQTT 5 is told about the hub. */
function terms(packet: Connect): SentProperties {
  const { keepAliveSeconds, properties } = packet
  const isTooLong = keepAliveSeconds === 0 || keepAliveSeconds > MAX_KEEP_ALIVE_SECONDS
  const isNewExpiry = isPersistent(packet) && properties.sessionExpirySeconds !== NEVER
  return {
    ...(isNewExpiry && { sessionExpirySeconds: NEVER }),
    ...(isTooLong && { serverKeepAliveSeconds: MAX_KEEP_ALIVE_SECONDS }),
    maximumQos: 1,
    retainAvailable: 0,
    maxPacketBytes: MAX_PACKET_BYTES,
    topicAliasMaximum: 0,
    wildcardSubscriptionAvailable: 1,
    subscriptionIdsAvailable: 0,
    sharedSubscriptionAvailable: 0,
  }
}
