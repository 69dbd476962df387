import { formatFields } from './output.ts'

/** A registered CA as the API shows it. */
export interface CaCertificate {
  readonly name: string
  readonly etag: string
  readonly properties: {
    readonly subject: string
    /** `Sat, 31 Oct 2026 20:59:35 GMT`, as the other times. */
    readonly expiry: string
    readonly thumbprint: string
    readonly isVerified: boolean
    readonly created: string
    readonly updated: string
    readonly certificate: string
    readonly verificationCode?: string | null
  }
}

export function caPath(name: string): string {
  return `/api/certificates/${encodeURIComponent(name)}`
}

/** The lines of a registered CA for people. */
export function describeCa({ name, properties }: CaCertificate): string {
  return formatFields([
    ['Name', name],
    ['Subject', properties.subject],
    ['Thumbprint', properties.thumbprint],
    ['Expires', properties.expiry],
    ['Verified', properties.isVerified ? 'yes' : 'no'],
    ['Verification code', properties.verificationCode ?? undefined],
  ])
}

/** Without the certificate itself, which is long and which the caller has. */
export function withoutContent({ properties, ...rest }: CaCertificate): object {
  const { certificate: _, ...shown } = properties
  return { ...rest, properties: shown }
}
