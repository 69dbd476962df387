import type { EnrollmentToken } from '../../registry/enrollment-token.ts'
import type { EnrollmentTokenStore, TokenLimits } from '../../registry/enrollment-token-store.ts'

/** Enrolment tokens for tests: everything in memory, durable at once. */
export class MemoryEnrollmentTokens implements EnrollmentTokenStore {
  readonly #tokens = new Map<string, EnrollmentToken>()

  async insert(
    token: EnrollmentToken,
    { nowMs, forgetBeforeMs }: { readonly nowMs: number; readonly forgetBeforeMs: number },
    limits: TokenLimits,
  ): Promise<boolean> {
    const isEarlier = ({ deviceId, generationId }: EnrollmentToken) =>
      deviceId === token.deviceId && generationId !== token.generationId
    for (const one of [...this.#tokens.values()]) {
      const isForgotten = one.expiresTimeMs < forgetBeforeMs || isEarlier(one)
      if (isForgotten) this.#tokens.delete(one.tokenId)
    }
    const own = this.#of(token.deviceId)
    const isOpen = ({ used, expiresTimeMs }: EnrollmentToken) => !used && expiresTimeMs > nowMs
    const finished = own.filter((one) => !isOpen(one)).slice(limits.finished)
    for (const { tokenId } of finished) this.#tokens.delete(tokenId)
    if (own.filter(isOpen).length >= limits.open) return false
    this.#tokens.set(token.tokenId, token)
    return true
  }

  async find(tokenId: string): Promise<EnrollmentToken | undefined> {
    return this.#tokens.get(tokenId)
  }

  async list(deviceId: string): Promise<readonly EnrollmentToken[]> {
    return this.#of(deviceId)
  }

  async use(tokenId: string, timeMs: number, address: string): Promise<boolean> {
    const token = this.#tokens.get(tokenId)
    if (!token || token.used) return false
    this.#tokens.set(tokenId, { ...token, used: { timeMs, address } })
    return true
  }

  async remove(deviceId: string, tokenId: string): Promise<boolean> {
    return this.#tokens.get(tokenId)?.deviceId === deviceId && this.#tokens.delete(tokenId)
  }

  #of(deviceId: string): readonly EnrollmentToken[] {
    return [...this.#tokens.values()]
      .filter((token) => token.deviceId === deviceId)
      .sort((a, b) => b.createdTimeMs - a.createdTimeMs || (a.tokenId < b.tokenId ? -1 : 1))
  }
}
