/** A CA certificate that was registered, so that devices may prove themselves by it. Immutable. */
export interface RegisteredCertificate {
  /** Unique without regard to case. */
  readonly name: string
  /** Moves by one with every write. */
  readonly etag: number
  /** DER. */
  readonly raw: Uint8Array
  /** Devices are trusted by it only when this is so. */
  readonly isVerified: boolean
  /** What a proof of possession must carry as its common name; `null` when none was asked for. */
  readonly verificationCode: string | null
  readonly createdMs: number
  readonly updatedMs: number
}

/** IoT Hub's limit (06 §5). */
export const MAX_CERTIFICATES = 25

/**
 * The registered CA certificates.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/certificate-store.ts`.
 * A promise resolves once the change would survive a crash, and a read never shows what would not.
 */
export interface CertificateStore {
  /** All of them, in the order of their names; at most `MAX_CERTIFICATES`. */
  list(): Promise<readonly RegisteredCertificate[]>

  find(name: string): Promise<RegisteredCertificate | undefined>

  /** Adds one; `taken`: its name or the same certificate is there already. */
  insert(certificate: RegisteredCertificate): Promise<'inserted' | 'taken' | 'full'>

  /**
   * Replaces the one of that name whose etag is `etag`.
   *
   * @returns `changed`: there is none with this etag; `taken`: another name has the same certificate
   */
  replace(
    certificate: RegisteredCertificate,
    etag: number,
  ): Promise<'replaced' | 'changed' | 'taken'>

  /** @returns whether there was one of that name with this etag */
  remove(name: string, etag: number): Promise<boolean>
}
