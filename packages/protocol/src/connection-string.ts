/**
 * The text that SDKs and people carry around (06 §6):
 * `HostName=…;DeviceId=…;ModuleId=…;SharedAccessKey=…` or `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`.
 */
export interface ConnectionString {
  readonly hostName: string
  readonly deviceId?: string
  readonly moduleId?: string
  readonly sharedAccessKeyName?: string
  readonly sharedAccessKey: string
}

/** @throws {Error} in words for a person, without the key, when the text is not a connection string */
export function parseConnectionString(text: string): ConnectionString {
  const fields = new Map<string, string>()
  for (const part of text.trim().split(';')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    if (equals < 1)
      throw new Error('A connection string is a list of Name=Value parts separated by ;')
    fields.set(part.slice(0, equals).toLowerCase(), part.slice(equals + 1))
  }
  const hostName = fields.get('hostname')
  const sharedAccessKey = fields.get('sharedaccesskey')
  if (!hostName) throw new Error('The connection string has no HostName.')
  if (!sharedAccessKey) throw new Error('The connection string has no SharedAccessKey.')
  const deviceId = fields.get('deviceid')
  const moduleId = fields.get('moduleid')
  const sharedAccessKeyName = fields.get('sharedaccesskeyname')
  return {
    hostName,
    ...(deviceId !== undefined && { deviceId }),
    ...(moduleId !== undefined && { moduleId }),
    ...(sharedAccessKeyName !== undefined && { sharedAccessKeyName }),
    sharedAccessKey,
  }
}

export function formatConnectionString(parts: ConnectionString): string {
  const { hostName, deviceId, moduleId, sharedAccessKeyName, sharedAccessKey } = parts
  return [
    `HostName=${hostName}`,
    ...(deviceId === undefined ? [] : [`DeviceId=${deviceId}`]),
    ...(moduleId === undefined ? [] : [`ModuleId=${moduleId}`]),
    ...(sharedAccessKeyName === undefined ? [] : [`SharedAccessKeyName=${sharedAccessKeyName}`]),
    `SharedAccessKey=${sharedAccessKey}`,
  ].join(';')
}
