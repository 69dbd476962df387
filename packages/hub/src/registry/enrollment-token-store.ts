import type { EnrollmentToken } from './enrollment-token.ts'

/** How many tokens a device may have. */
export interface TokenLimits {
  /** That can still be redeemed. */
  readonly open: number
  /** That are used or have expired; of more, the oldest are forgotten. */
  readonly finished: number
}

/**
 * The enrolment tokens of security modules.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/enrollment-tokens.ts`. A
 * promise resolves once the change would survive a crash, and a read never shows what would not.
 */
export interface EnrollmentTokenStore {
  /**
   * Adds one, unless its device has `limits.open` that can be redeemed at `nowMs`. Forgets finished
   * ones of the device beyond `limits.finished`, all of an earlier device of the same id, and of all
   * devices those that expired before `forgetBeforeMs`.
   *
   * @returns whether there was room
   */
  insert(
    token: EnrollmentToken,
    at: { readonly nowMs: number; readonly forgetBeforeMs: number },
    limits: TokenLimits,
  ): Promise<boolean>

  find(tokenId: string): Promise<EnrollmentToken | undefined>

  /** The youngest first. */
  list(deviceId: string): Promise<readonly EnrollmentToken[]>

  /** Marks it as used. Of many callers one gets `true`; none when it is gone or was used. */
  use(tokenId: string, timeMs: number, address: string): Promise<boolean>

  /** `false` when the device has no such token. */
  remove(deviceId: string, tokenId: string): Promise<boolean>
}
