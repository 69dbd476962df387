import type { Authentication, JsonObject } from '@twinward/protocol'

/** `authentication` as the service API and exports show it: both members, `null` where unused. */
export function authenticationView(authentication: Authentication, showsKeys = true): JsonObject {
  const keys = authentication.type === 'sas' && showsKeys ? authentication : undefined
  const prints = authentication.type === 'selfSigned' ? authentication : undefined
  return {
    symmetricKey: {
      primaryKey: keys?.primaryKey ?? null,
      secondaryKey: keys?.secondaryKey ?? null,
    },
    x509Thumbprint: {
      primaryThumbprint: prints?.primaryThumbprint ?? null,
      secondaryThumbprint: prints?.secondaryThumbprint ?? null,
    },
    type: authentication.type,
  }
}
