import type { SharedAccessPolicy } from './policies.ts'

/** Remembered tokens. One takes 4 KiB at most (`parseSas` refuses longer ones), usually 200 bytes. */
export const MAX_VERIFIED_TOKENS = 1024

/** What a service's token has proven, good until `expiresAtMs` (without allowance for clocks). */
export interface VerifiedToken {
  readonly policy: SharedAccessPolicy
  /** Segments below the host that the token is for; empty = everything its policy allows. */
  readonly scope: readonly string[]
  readonly expiresAtMs: number
}

/**
 * Tokens whose signature was right, by their whole text: a service sends one token with every call
 * for minutes, and to compute its HMAC again costs more than all else in reading the request. What was
 * refused is never kept, so nobody without a key can fill it. It belongs to one set of policies; the
 * one who asks still has to compare `expiresAtMs` with the clock.
 *
 * A lookup compares hashes with a secret seed before any text, so its time tells nothing about how
 * much of a guessed token is right.
 */
export class VerifiedTokens {
  /** In the order of their last use. */
  readonly #tokens = new Map<string, VerifiedToken>()

  get size(): number {
    return this.#tokens.size
  }

  find(text: string): VerifiedToken | undefined {
    const token = this.#tokens.get(text)
    if (!token) return undefined
    this.#tokens.delete(text)
    this.#tokens.set(text, token)
    return token
  }

  /** Remembers a token; the one that was not used for the longest time makes room. */
  add(text: string, token: VerifiedToken): void {
    this.#tokens.set(text, token)
    if (this.#tokens.size <= MAX_VERIFIED_TOKENS) return
    for (const oldest of this.#tokens.keys()) {
      this.#tokens.delete(oldest)
      return
    }
  }
}
