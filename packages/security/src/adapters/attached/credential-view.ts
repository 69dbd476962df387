import { createHash } from 'node:crypto'
import { isJsonObject, type JsonValue } from '@twinward/protocol'
import type { CredentialMark } from '../../platform.ts'

/** What opens an identity, as its document on the service API shows it (01 §2); none for no identity. */
export function viewCredentials(identity: JsonValue): readonly CredentialMark[] {
  if (!isJsonObject(identity) || typeof identity.deviceId !== 'string') return []
  const { deviceId, moduleId, authentication } = identity
  if (!isJsonObject(authentication)) return []
  const credentials = [
    ...textsIn(authentication.symmetricKey, ['primaryKey', 'secondaryKey']).map((key) => ({
      kind: 'symmetricKey' as const,
      digest: createHash('sha256').update(key).digest('hex'),
    })),
    ...textsIn(authentication.x509Thumbprint, ['primaryThumbprint', 'secondaryThumbprint']).map(
      (thumbprint) => ({ kind: 'certificate' as const, digest: thumbprint.toLowerCase() }),
    ),
  ]
  if (credentials.length === 0) return []
  return [{ ref: { deviceId, ...(typeof moduleId === 'string' && { moduleId }) }, credentials }]
}

function textsIn(value: JsonValue | undefined, names: readonly string[]): readonly string[] {
  if (!isJsonObject(value)) return []
  return names.flatMap((name) => {
    const text = value[name]
    return typeof text === 'string' && text !== '' ? [text] : []
  })
}
