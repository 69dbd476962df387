import type { JsonObject, JsonValue, Twin } from '@twinward/protocol'
import { parseJson } from '@twinward/protocol'
import type { StampedMessage } from '../messages/event-log.ts'

type Text = string | null | undefined

/**
 * A message as conditions see it (`twins/query/message-paths.ts`). The body is decoded when the first
 * condition asks for it.
 *
 * @param twin  of the sender; needed only when a condition speaks of it
 */
export function messageDocument(message: StampedMessage, twin: Twin | undefined): JsonObject {
  let body: { readonly value: JsonValue | undefined } | undefined
  const document = {
    application: message.application,
    system: systemProperties(message),
    get body() {
      body ??= { value: jsonBody(message) }
      return body.value
    },
    twin: twin && {
      tags: twin.tags,
      properties: { desired: twin.desired.values, reported: twin.reported.values },
    },
  }
  // Members without a value are `undefined`, which evaluation takes for missing.
  return document as unknown as JsonObject
}

function systemProperties(message: StampedMessage): { readonly [name: string]: Text } {
  const { ref, system, source = 'Telemetry' } = message
  const enqueuedTime = new Date(message.enqueuedTimeMs).toISOString()
  return {
    connectionDeviceId: ref.deviceId,
    connectionModuleId: ref.moduleId,
    contentType: system.contentType,
    contentEncoding: system.contentEncoding,
    messageId: system.messageId,
    correlationId: system.correlationId,
    userId: system.userId,
    to: system.to,
    enqueuedTime,
    'iothub-connection-device-id': ref.deviceId,
    'iothub-connection-module-id': ref.moduleId,
    'iothub-enqueuedtime': enqueuedTime,
    'iothub-connection-auth-method': message.authMethod,
    'iothub-connection-auth-generation-id': message.generationId,
    'iothub-message-source': source,
    'iothub-message-schema': system.messageSchema ?? message.application['iothub-message-schema'],
    'iothub-interface-id': system.interfaceId,
    'iothub-creation-time-utc': system.creationTimeUtc,
    'iothub-outputname': system.outputName,
    'dt-dataschema': message.modelId,
    'dt-subject': system.component,
  }
}

/** The body, if the sender says that it is JSON, and in which encoding, and it is (10 §3). */
function jsonBody({ system, body }: StampedMessage): JsonValue | undefined {
  const [type = ''] = (system.contentType ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/json') return undefined
  const text = decode(body, system.contentEncoding?.trim().toLowerCase())
  if (text === undefined) return undefined
  try {
    return parseJson(text)
  } catch {
    return undefined
  }
}

/** Little-endian unless a byte order mark says otherwise, as .NET has it. */
function decode(body: Uint8Array, encoding: string | undefined): string | undefined {
  try {
    if (encoding === 'utf-8') return new TextDecoder('utf-8', { fatal: true }).decode(body)
    if (encoding === 'utf-16') {
      const isBig = body[0] === 0xfe && body[1] === 0xff
      const name = isBig ? 'utf-16be' : 'utf-16le'
      return new TextDecoder(name, { fatal: true }).decode(body)
    }
    return encoding === 'utf-32' ? decodeUtf32(body) : undefined
  } catch {
    return undefined
  }
}

/** @throws {RangeError} for what is no code point */
function decodeUtf32(body: Uint8Array): string | undefined {
  if (body.byteLength % 4 !== 0) return undefined
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const isBig = body.byteLength > 0 && view.getUint32(0) === 0xfeff
  const parts: string[] = []
  for (let at = 0; at < body.byteLength; at += 4) {
    parts.push(String.fromCodePoint(view.getUint32(at, !isBig)))
  }
  return parts.join('')
}
