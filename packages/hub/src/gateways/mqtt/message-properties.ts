import type { MessageProperties } from '@twinward/protocol'
import { addProperty, type CloudMessage, parsePropertyBag } from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import { NO_PROPERTIES, type Properties, type SentProperties } from './properties.ts'

const UTF8 = 'utf-8'
/** Where the response topic of MQTT 5 is kept: IoT Hub has no name for it. */
const RESPONSE_TOPIC = 'mqtt-response-topic'

/**
 * The properties of a message from the bag in its topic and, in MQTT 5, from its packet. A user
 * property counts like a pair of the bag; what a packet says with a property of its own wins.
 */
export function readMessageProperties(
  bag: string,
  properties: Properties,
  clock: Clock,
): MessageProperties {
  const fromBag = parsePropertyBag(bag)
  if (properties === NO_PROPERTIES) return fromBag
  const { contentType, correlationData, responseTopic, messageExpirySeconds } = properties
  const system = { ...fromBag.system }
  const application = { ...fromBag.application }
  for (const [name, value] of properties.user) addProperty({ system, application }, name, value)
  if (properties.payloadFormat === 1) system.contentEncoding ??= UTF8
  if (contentType !== undefined) system.contentType = contentType
  if (correlationData !== undefined) system.correlationId = textOf(correlationData)
  if (messageExpirySeconds !== undefined) {
    system.expiryTimeUtc = new Date(clock.now() + messageExpirySeconds * 1000).toISOString()
  }
  if (responseTopic !== undefined) application[RESPONSE_TOPIC] = responseTopic
  return { system, application }
}

/** What a cloud-to-device message says beside its bag, for clients that read no bags. */
export function cloudMessageProperties(
  { system, application, expiresAtMs }: Omit<CloudMessage, 'body'> & { expiresAtMs: number },
  nowMs: number,
): SentProperties {
  const { contentType, correlationId } = system
  return {
    messageExpirySeconds: Math.max(1, Math.ceil((expiresAtMs - nowMs) / 1000)),
    ...(contentType !== undefined && { contentType }),
    ...(correlationId !== undefined && { correlationData: correlationId }),
    user: Object.entries(application).map(([name, value]) => [name, value ?? ''] as const),
  }
}

/** Correlation data is bytes; what is no text is shown as base64. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return Buffer.from(text).equals(bytes) ? text : bytes.toString('base64')
}
