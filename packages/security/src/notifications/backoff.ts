import { FIRST_PAUSE_MS, MAX_PAUSE_MS } from './limits.ts'

/**
 * The pause after so many failures in a row: it doubles up to `MAX_PAUSE_MS`, and its second half is
 * left to chance, so that not all who wait come back at once.
 *
 * @param random  at least 0, below 1
 */
export function pauseAfter(failures: number, random: number): number {
  const longest = Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 30))
  return Math.round(longest / 2 + (random * longest) / 2)
}
