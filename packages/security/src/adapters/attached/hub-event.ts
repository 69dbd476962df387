import {
  type DeviceRef,
  isJsonObject,
  type JsonObject,
  type MessageSystemProperties,
  SECURITY_INTERFACE_ID,
  SECURITY_PROPERTY,
} from '@twinward/protocol'
import type { Message } from 'rhea'
import type { PlatformNotice } from '../../platform.ts'
import type { FeedMessage } from './inbox.ts'

/** An event as a reader of the event endpoint gets it (10 §6.4). */
export interface HubEvent {
  readonly offset: string
  /** `Telemetry`, `twinChangeEvents`, … */
  readonly source: string
  readonly message: FeedMessage
}

/** @returns `undefined` for a message without an offset or a device, which is none of a hub's */
export function readHubEvent(message: Message): HubEvent | undefined {
  const annotations = message.message_annotations ?? {}
  const offset = annotations['x-opt-offset']
  const ref = refOf(annotations)
  if (offset === undefined || ref === undefined) return undefined
  const enqueuedTimeMs = Number(annotations['x-opt-enqueued-time'])
  return {
    offset: String(offset),
    source: text(annotations['iothub-message-source']) ?? 'Telemetry',
    message: {
      ref,
      system: systemProperties(message, annotations),
      application: applicationProperties(message.application_properties ?? {}),
      body: bodyOf(message.body),
      enqueuedTimeMs: Number.isFinite(enqueuedTimeMs) ? enqueuedTimeMs : 0,
    },
  }
}

/**
 * The security message in an event, or `undefined`: marked by its interface id, as agents mark it, or
 * by the application property that our agent sets where a hub keeps marked messages to itself.
 */
export function securityMessageIn({ message, source }: HubEvent): FeedMessage | undefined {
  if (source !== 'Telemetry') return undefined
  const { interfaceId } = message.system
  const marked = interfaceId ?? message.application[SECURITY_PROPERTY]
  if (marked?.toLowerCase() !== SECURITY_INTERFACE_ID.toLowerCase()) return undefined
  return { ...message, system: { ...message.system, interfaceId: SECURITY_INTERFACE_ID } }
}

/** What an event of the hub itself tells (10 §5). */
export function noticesIn({ source, message }: HubEvent): readonly PlatformNotice[] {
  const { opType } = message.application
  switch (source) {
    case 'deviceLifecycleEvents':
      return lifecycleNotice(opType, message.ref)
    case 'deviceConnectionStateEvents':
      return connectionNotice(opType, message.ref)
    case 'twinChangeEvents':
      return twinNotices(message)
    default:
      return []
  }
}

/** A twin and its metadata; anything longer is no twin change. */
const MAX_CHANGE_BYTES = 256 * 1024

function twinNotices({ ref, body, application }: FeedMessage): readonly PlatformNotice[] {
  const { deviceId, moduleId } = ref
  const change = body.byteLength > MAX_CHANGE_BYTES ? undefined : parse(body)
  if (change === undefined) return []
  const notices: PlatformNotice[] = []
  if (isJsonObject(change.tags)) {
    // A replaced twin does not say which tags went.
    const patch = application.opType === 'replaceTwin' ? null : change.tags
    notices.push({ kind: 'tags-changed', deviceId, patch })
  }
  if (moduleId === undefined || !isJsonObject(change.properties)) return notices
  const of = { deviceId, moduleId }
  if (change.properties.desired !== undefined) notices.push({ kind: 'desired-changed', ref: of })
  if (change.properties.reported !== undefined) notices.push({ kind: 'reported-changed', ref: of })
  return notices
}

function parse(body: Uint8Array): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'))
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function connectionNotice(
  opType: string | null | undefined,
  { deviceId, moduleId }: DeviceRef,
): readonly PlatformNotice[] {
  if (moduleId === undefined) return []
  const isConnected = opType === 'moduleConnected' || opType === 'deviceConnected'
  return [{ kind: isConnected ? 'connected' : 'disconnected', ref: { deviceId, moduleId } }]
}

function lifecycleNotice(
  opType: string | null | undefined,
  { deviceId, moduleId }: DeviceRef,
): readonly PlatformNotice[] {
  if (opType === 'createDeviceIdentity') return [{ kind: 'device-created', deviceId }]
  if (opType === 'deleteDeviceIdentity') return [{ kind: 'device-removed', deviceId }]
  if (moduleId === undefined) return []
  const ref = { deviceId, moduleId }
  if (opType === 'createModuleIdentity') return [{ kind: 'module-created', ref }]
  if (opType === 'deleteModuleIdentity') return [{ kind: 'module-removed', ref }]
  return []
}

function refOf(annotations: { readonly [name: string]: unknown }): DeviceRef | undefined {
  const deviceId = text(annotations['iothub-connection-device-id'])
  const moduleId = text(annotations['iothub-connection-module-id'])
  if (deviceId === undefined) return undefined
  return moduleId === undefined ? { deviceId } : { deviceId, moduleId }
}

function systemProperties(
  message: Message,
  annotations: { readonly [name: string]: unknown },
): MessageSystemProperties {
  const values = {
    messageId: text(message.message_id),
    correlationId: text(message.correlation_id),
    contentType: text(message.content_type),
    contentEncoding: text(message.content_encoding),
    interfaceId: text(annotations['iothub-interface-id']),
  }
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

function applicationProperties(properties: { readonly [name: string]: unknown }): {
  readonly [name: string]: string | null
} {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, text(value) ?? null]),
  )
}

function text(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  return String(value)
}

/** rhea gives a data section as `{typecode, content}`; several of them as a list of contents. */
function bodyOf(body: unknown): Uint8Array {
  if (Buffer.isBuffer(body)) return body
  const content = (body as { readonly content?: unknown } | undefined)?.content
  if (Buffer.isBuffer(content)) return content
  if (Array.isArray(content) && content.every((part) => Buffer.isBuffer(part))) {
    return Buffer.concat(content)
  }
  return typeof body === 'string' ? Buffer.from(body) : new Uint8Array(0)
}
