import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'

/** How long stores that have too much to do are left alone. */
export const RETRY_PAUSE_MS = 1_000

/** Whether the same may be asked again, and answered, a little later. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof HubError)) return false
  return error.code === 'ServiceUnavailable' || error.code === 'ThrottlingException'
}

/**
 * Does a step of a job, which a busy store must not end: again and again until it is taken or refused.
 *
 * @throws what the step throws, if waiting does not mend it; the reason of `signal`
 */
export async function whenFree<T>(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  step: () => Promise<T>,
): Promise<T> {
  for (;;) {
    try {
      return await step()
    } catch (error) {
      if (!isPassing(error)) throw error
      signal.throwIfAborted()
      await clock.sleep(RETRY_PAUSE_MS, signal)
    }
  }
}
