/** Names a device, or a module on it. Ids are case-sensitive. */
export interface DeviceRef {
  readonly deviceId: string
  readonly moduleId?: string
}

/** Ids of devices and modules (spec: IoT Hub identity registry, what .NET enforces). */
const ID = /^[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}$/

export function isValidId(id: string): boolean {
  return ID.test(id)
}

/** `{d}` or `{d}/{m}`, as in an MQTT client id. Unique, because `/` is not in the id alphabet. */
export function refKey({ deviceId, moduleId }: DeviceRef): string {
  return moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`
}

export function isSameRef(a: DeviceRef, b: DeviceRef): boolean {
  return a.deviceId === b.deviceId && a.moduleId === b.moduleId
}
