import { type DeviceRef, isSecurityModuleId } from '@twinward/protocol'
import type { SecurityMessage } from '../platform.ts'
import { type CustomEvents, type DecodedMessage, decodeMessage, refuseMessage } from './decode.ts'

/** Whose security messages count. */
export interface SenderPolicy {
  /** Besides the well-known ids, the one that this server gives to new devices. */
  readonly securityModuleId: string
  /** Whether a device's own identity may send them too, as custom agents did. */
  readonly acceptFromDevices: boolean
}

/** Decodes a message of a sender that may send it; refuses the others with a reason. */
export function decodeFromSender(
  message: SecurityMessage,
  policy: SenderPolicy,
  customEvents?: CustomEvents,
): DecodedMessage {
  const { ref, enqueuedTimeMs: receivedMs } = message
  const reason = refuseSender(ref, policy)
  if (reason === undefined) return decodeMessage(message, receivedMs, customEvents)
  return refuseMessage(message, receivedMs, reason)
}

function refuseSender({ moduleId }: DeviceRef, policy: SenderPolicy): string | undefined {
  if (moduleId === undefined) {
    if (policy.acceptFromDevices) return undefined
    return 'Security messages of a device’s own identity are refused (acceptDeviceSecurityMessages).'
  }
  if (isSecurityModuleId(moduleId, policy.securityModuleId)) return undefined
  return `Module ${moduleId} is not a security module.`
}
