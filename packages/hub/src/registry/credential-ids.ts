import { createHash } from 'node:crypto'
import type { Authentication } from '@twinward/protocol'

/** Of an identity that authenticates by a registered CA: which one, the credential says beside it. */
export const BY_AUTHORITY = 'authority'

/**
 * What opens an identity, as names that tell nothing about a key. A session keeps the name of what it
 * was opened with and ends when that is no longer among them; the other key's sessions stay.
 */
export function credentialIds(authentication: Authentication): readonly string[] {
  switch (authentication.type) {
    case 'sas':
      return [keyId(authentication.primaryKey), keyId(authentication.secondaryKey)]
    case 'selfSigned':
      return [authentication.primaryThumbprint, authentication.secondaryThumbprint].flatMap(
        (thumbprint) => (thumbprint === null ? [] : [thumbprint.toLowerCase()]),
      )
    case 'certificateAuthority':
      return [BY_AUTHORITY]
    case 'none':
      return []
  }
}

export function keyId(keyBase64: string): string {
  return createHash('sha256').update(keyBase64).digest('base64')
}
