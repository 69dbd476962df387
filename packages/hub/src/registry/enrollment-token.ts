import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** A permit to fetch the credential of a device's security module once; the secret is not in it. */
export interface EnrollmentToken {
  /** Names it in lists; tells nothing about the secret. */
  readonly tokenId: string
  /** SHA-256 of the secret, base64. */
  readonly secretHash: string
  readonly deviceId: string
  /** Of the device: a later device of the same id is another one. */
  readonly generationId: string
  /** Absent: as `chooseSecurityModule` says when it is redeemed. */
  readonly moduleId?: string
  readonly createdTimeMs: number
  readonly expiresTimeMs: number
  /** The shared access policy that made it. */
  readonly createdBy: string
  /** Set once it was redeemed, with the address it was redeemed from. */
  readonly used?: { readonly timeMs: number; readonly address: string }
}

const PREFIX = 'twenroll1'
const ID_BYTES = 8
const SECRET_BYTES = 32
const FORMAT = /^twenroll1\.([0-9a-f]{16})\.([A-Za-z0-9_-]{43})$/

/** What a person carries to the device: `twenroll1.{id}.{secret}`. */
export interface TokenText {
  readonly tokenId: string
  readonly secret: string
}

export function makeTokenText(): TokenText {
  return {
    tokenId: randomBytes(ID_BYTES).toString('hex'),
    secret: randomBytes(SECRET_BYTES).toString('base64url'),
  }
}

export function formatTokenText({ tokenId, secret }: TokenText): string {
  return `${PREFIX}.${tokenId}.${secret}`
}

export function parseTokenText(text: string): TokenText | undefined {
  const [, tokenId, secret] = FORMAT.exec(text) ?? []
  return tokenId === undefined || secret === undefined ? undefined : { tokenId, secret }
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64')
}

/** In constant time; an unknown token takes as long as a wrong secret. */
export function isSecretOf(token: Pick<EnrollmentToken, 'secretHash'> | undefined, secret: string) {
  const wanted = Buffer.from(token?.secretHash ?? NO_HASH, 'base64')
  const isEqual = timingSafeEqual(wanted, Buffer.from(hashSecret(secret), 'base64'))
  return isEqual && token !== undefined
}

const NO_HASH = hashSecret('')
