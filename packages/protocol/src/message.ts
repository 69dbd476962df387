import type { DeviceRef } from './device-ref.ts'

/** System properties a sender may set, under the names that event readers see (10 §1.1). */
export interface MessageSystemProperties {
  readonly messageId?: string
  readonly correlationId?: string
  readonly userId?: string
  readonly to?: string
  readonly expiryTimeUtc?: string
  readonly contentType?: string
  readonly contentEncoding?: string
  readonly creationTimeUtc?: string
  readonly outputName?: string
  readonly messageSchema?: string
  readonly interfaceId?: string
  readonly component?: string
}

/** A device-to-cloud message. An application property without a value is `null`. */
export interface DeviceMessage {
  readonly ref: DeviceRef
  readonly system: MessageSystemProperties
  readonly application: { readonly [name: string]: string | null }
  readonly body: Uint8Array
}

/** The interface id that marks a security message (security 03 §1). Compared without case. */
export const SECURITY_INTERFACE_ID = 'urn:azureiot:Security:SecurityAgent:1'

/**
 * The application property that marks a security message with the same id where a hub keeps messages
 * with the interface id to itself, as IoT Hub does: those never reach its event endpoint.
 */
export const SECURITY_PROPERTY = 'twinwardInterfaceId'

export function isSecurityMessage({ system }: Pick<DeviceMessage, 'system'>): boolean {
  return system.interfaceId?.toLowerCase() === SECURITY_INTERFACE_ID.toLowerCase()
}

/** Which outcomes of a cloud-to-device message its sender wants to hear of (10 §2). */
export type FeedbackRequest = 'none' | 'positive' | 'negative' | 'full'

/** A cloud-to-device (C2D) message as a service sends it. */
export interface CloudMessage {
  /** `messageId` is made by the hub when absent; `to` is always the hub's own text. */
  readonly system: MessageSystemProperties
  readonly ack: FeedbackRequest
  readonly application: { readonly [name: string]: string | null }
  readonly body: Uint8Array
}

/** The consumer group of event readers that always exists. */
export const DEFAULT_CONSUMER_GROUP = '$Default'
/**
 * The consumer group of a Twinward that reads security messages, which are nowhere else: for a security
 * service in another process. It always exists; its readers need `RegistryRead` beside `ServiceConnect`.
 */
export const SECURITY_CONSUMER_GROUP = '$security'
