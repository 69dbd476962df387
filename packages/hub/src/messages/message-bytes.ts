import type { DeviceMessage } from '@twinward/protocol'

/** What counts: body, values of system properties, names and values of application properties (10 §1). */
export function messageBytes({
  system,
  application,
  body,
}: Pick<DeviceMessage, 'system' | 'application' | 'body'>): number {
  let bytes = body.byteLength
  for (const value of Object.values(system)) bytes += Buffer.byteLength(value)
  for (const [name, value] of Object.entries(application)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value ?? '')
  }
  return bytes
}
