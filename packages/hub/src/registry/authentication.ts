import { randomBytes } from 'node:crypto'
import { type Authentication, type DeviceRef, HubError } from '@twinward/protocol'

/** `authentication` as callers write it (01 §3); everything is optional. */
export interface AuthenticationWrite {
  readonly type?: string | null
  readonly symmetricKey?: {
    readonly primaryKey?: string | null
    readonly secondaryKey?: string | null
  } | null
  readonly x509Thumbprint?: {
    readonly primaryThumbprint?: string | null
    readonly secondaryThumbprint?: string | null
  } | null
}

const KEY_BYTES = 32
const MIN_KEY_BYTES = 16
const MAX_KEY_BYTES = 64
const THUMBPRINT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/**
 * What an identity will authenticate with. No keys given: two random ones are made.
 *
 * @throws {HubError} `ArgumentInvalid` with IoT Hub's words for the mistake
 */
export function resolveAuthentication(
  write: AuthenticationWrite | undefined,
  { moduleId }: DeviceRef,
): Authentication {
  switch (typeOf(write)) {
    case 'sas':
      return symmetricKeys(write?.symmetricKey ?? {})
    case 'selfsigned':
      return thumbprints(write?.x509Thumbprint ?? {})
    case 'certificateauthority':
      return { type: 'certificateAuthority' }
    case 'none':
      // IoT Hub turns it into keys for a module and refuses it for a device.
      if (moduleId !== undefined) return symmetricKeys({})
      throw new HubError('ArgumentInvalid', 'DeviceAuthenticationTypeIsMissing')
    default:
      throw new HubError('ArgumentInvalid', 'The authentication type is unknown.')
  }
}

/** A random key as the hub makes them: base64 of 32 bytes. */
export function makeKey(): string {
  return randomBytes(KEY_BYTES).toString('base64')
}

/** Old clients omit `type`: thumbprints mean `selfSigned`. */
function typeOf(write: AuthenticationWrite | undefined): string {
  if (write?.type) return write.type.toLowerCase()
  const { primaryThumbprint, secondaryThumbprint } = write?.x509Thumbprint ?? {}
  return primaryThumbprint || secondaryThumbprint ? 'selfsigned' : 'sas'
}

function symmetricKeys({
  primaryKey,
  secondaryKey,
}: NonNullable<AuthenticationWrite['symmetricKey']>): Authentication {
  if (!primaryKey && !secondaryKey) {
    return { type: 'sas', primaryKey: makeKey(), secondaryKey: makeKey() }
  }
  if (!primaryKey || !secondaryKey) {
    throw new HubError('ArgumentInvalid', 'Either no keys or both keys can be set.')
  }
  for (const key of [primaryKey, secondaryKey]) {
    const bytes = BASE64.test(key) ? Buffer.from(key, 'base64').length : 0
    if (bytes < MIN_KEY_BYTES || bytes > MAX_KEY_BYTES) {
      throw new HubError(
        'ArgumentInvalid',
        `Invalid device key length: a key is base64 of ${MIN_KEY_BYTES} to ${MAX_KEY_BYTES} bytes.`,
      )
    }
  }
  return { type: 'sas', primaryKey, secondaryKey }
}

function thumbprints({
  primaryThumbprint,
  secondaryThumbprint,
}: NonNullable<AuthenticationWrite['x509Thumbprint']>): Authentication {
  for (const thumbprint of [primaryThumbprint, secondaryThumbprint]) {
    if (thumbprint && !THUMBPRINT.test(thumbprint)) {
      throw new HubError('ArgumentInvalid', 'StringIsNotThumbprint: 40 or 64 hexadecimal digits.')
    }
  }
  return {
    type: 'selfSigned',
    primaryThumbprint: primaryThumbprint || null,
    secondaryThumbprint: secondaryThumbprint || null,
  }
}
