/**
 * Shared access signatures: `SharedAccessSignature sr=…&sig=…&se=…[&skn=…]` (06 §1).
 * Pure text; who checks the signature brings the HMAC.
 */
export interface SasToken {
  /** The resource exactly as received: what was signed. Decoding it first breaks every client. */
  readonly resource: string
  /** Base64, decoded from the percent escapes. */
  readonly signature: string
  /** The text after `se=`, which is part of what was signed. */
  readonly expiry: string
  readonly expiresAtMs: number
  readonly policyName?: string
}

const PREFIX = 'SharedAccessSignature '
/** A token is a few hundred bytes; anything longer is not parsed at all. */
const MAX_TOKEN_CHARACTERS = 4096

/** The parts of a token, or `undefined` when the text is not one. */
export function parseSas(text: string): SasToken | undefined {
  if (text.length > MAX_TOKEN_CHARACTERS || !text.startsWith(PREFIX)) return undefined
  const fields = new Map<string, string>()
  for (const pair of text.slice(PREFIX.length).split('&')) {
    const equals = pair.indexOf('=')
    if (equals < 0) return undefined
    fields.set(pair.slice(0, equals).toLowerCase(), pair.slice(equals + 1))
  }
  const resource = fields.get('sr')
  const signature = percentDecode(fields.get('sig') ?? '')
  const expiry = fields.get('se') ?? ''
  if (!resource || !signature || !/^\d{1,17}(\.\d{1,9})?$/.test(expiry)) return undefined
  const policyName = percentDecode(fields.get('skn') ?? '')
  if (policyName === undefined) return undefined
  return {
    resource,
    signature,
    expiry,
    expiresAtMs: Number(expiry) * 1000,
    ...(policyName !== '' && { policyName }),
  }
}

/** What the key signs: the resource as transmitted, a newline, the expiry. */
export function sasStringToSign({
  resource,
  expiry,
}: Pick<SasToken, 'resource' | 'expiry'>): string {
  return `${resource}\n${expiry}`
}

/** `hub.example.net/devices/d/modules/m`, not encoded. */
export function sasResource(
  hostName: string,
  { deviceId, moduleId }: { deviceId?: string; moduleId?: string } = {},
): string {
  if (deviceId === undefined) return hostName
  const device = `${hostName}/devices/${deviceId}`
  return moduleId === undefined ? device : `${device}/modules/${moduleId}`
}

/**
 * Makes a token.
 *
 * @param sign  base64 HMAC-SHA256 of a text under the decoded key
 * @param expiresAtS  seconds since the epoch
 */
export function formatSas(
  resource: string,
  expiresAtS: number,
  sign: (stringToSign: string) => string,
  policyName?: string,
): string {
  const encoded = encodeResource(resource)
  const signature = sign(sasStringToSign({ resource: encoded, expiry: String(expiresAtS) }))
  const token = `${PREFIX}sr=${encoded}&sig=${encodeURIComponent(signature)}`
  return `${token}${policyName === undefined ? '' : `&skn=${policyName}`}&se=${expiresAtS}`
}

/** As the SDKs do it: `! ' ( ) *` are escaped too. */
function encodeResource(resource: string): string {
  return encodeURIComponent(resource).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16)}`,
  )
}

/** Percent-decodes, or `undefined` when the escapes are broken. A literal `+` stays one. */
export function percentDecode(text: string): string | undefined {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
