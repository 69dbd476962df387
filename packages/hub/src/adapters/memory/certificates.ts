import {
  type CertificateStore,
  MAX_CERTIFICATES,
  type RegisteredCertificate,
} from '../../registry/certificate-store.ts'

/** The registered CAs for tests: everything in memory, durable at once. */
export class MemoryCertificates implements CertificateStore {
  readonly #certificates = new Map<string, RegisteredCertificate>()

  async list(): Promise<readonly RegisteredCertificate[]> {
    return [...this.#certificates].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
  }

  async find(name: string): Promise<RegisteredCertificate | undefined> {
    return this.#certificates.get(name.toLowerCase())
  }

  async insert(certificate: RegisteredCertificate): Promise<'inserted' | 'taken' | 'full'> {
    const key = certificate.name.toLowerCase()
    if (this.#certificates.has(key) || this.#isTaken(certificate)) return 'taken'
    if (this.#certificates.size >= MAX_CERTIFICATES) return 'full'
    this.#certificates.set(key, certificate)
    return 'inserted'
  }

  async replace(
    certificate: RegisteredCertificate,
    etag: number,
  ): Promise<'replaced' | 'changed' | 'taken'> {
    const key = certificate.name.toLowerCase()
    if (this.#certificates.get(key)?.etag !== etag) return 'changed'
    if (this.#isTaken(certificate)) return 'taken'
    this.#certificates.set(key, certificate)
    return 'replaced'
  }

  async remove(name: string, etag: number): Promise<boolean> {
    const key = name.toLowerCase()
    return this.#certificates.get(key)?.etag === etag && this.#certificates.delete(key)
  }

  #isTaken({ name, raw }: RegisteredCertificate): boolean {
    const key = name.toLowerCase()
    return [...this.#certificates].some(
      ([other, certificate]) => other !== key && Buffer.compare(certificate.raw, raw) === 0,
    )
  }
}
