import { type Certificate, readCertificate } from './certificate.ts'
import type { CertificateStore } from './certificate-store.ts'

/** Certificates of authorities in between that are remembered for resumed connections. */
export const MAX_INTERMEDIATES = 4096

/** Whom a device's certificate may come from: the registered CAs, read anew for each question. */
export class Authorities {
  readonly #store: CertificateStore
  /** What the store holds, parsed; replaced by each reading. */
  #parsed: ReadonlyMap<string, Certificate> = new Map()
  /**
   * By subject, in the order of their last use. Only what was part of a chain that held comes here:
   * a resumed TLS session has lost the chain, and who has no valid certificate cannot fill it.
   */
  readonly #intermediates = new Map<string, readonly Certificate[]>()

  constructor(store: CertificateStore) {
    this.#store = store
  }

  /** The verified ones. */
  async list(): Promise<readonly Certificate[]> {
    const parsed = new Map<string, Certificate>()
    for (const { raw, isVerified } of await this.#store.list()) {
      if (!isVerified) continue
      const key = Buffer.from(raw).toString('latin1')
      const certificate = this.#parsed.get(key) ?? readCertificate(raw)
      if (certificate) parsed.set(key, certificate)
    }
    this.#parsed = parsed
    return [...parsed.values()]
  }

  /** Remembers what stood between a device and an authority. */
  remember(intermediates: readonly Certificate[]): void {
    for (const certificate of intermediates) {
      const { subject } = certificate.x509
      const known = this.#intermediates.get(subject) ?? []
      this.#intermediates.delete(subject)
      const others = known.filter(({ sha256 }) => sha256 !== certificate.sha256)
      this.#intermediates.set(subject, [certificate, ...others].slice(0, 2))
    }
    for (const [subject] of this.#intermediates) {
      if (this.#intermediates.size <= MAX_INTERMEDIATES) break
      this.#intermediates.delete(subject)
    }
  }

  /** The remembered certificates that may stand above `leaf`. */
  above(leaf: Certificate): readonly Certificate[] {
    const found = new Set<Certificate>()
    const open = [leaf]
    for (let below = open.pop(); below && found.size < MAX_ABOVE; below = open.pop()) {
      for (const certificate of this.#intermediates.get(below.x509.issuer) ?? []) {
        if (found.has(certificate)) continue
        found.add(certificate)
        open.push(certificate)
      }
    }
    return [...found]
  }
}

/** As many as a peer may send. */
const MAX_ABOVE = 8
