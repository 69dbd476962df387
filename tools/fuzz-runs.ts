/** How often a fuzz test tries, and from which seed. */
export interface FuzzRuns {
  readonly numRuns: number
  readonly seed?: number
}

/**
 * By default a fuzz test tries `numRuns` times. `npm run fuzz` makes that more, from new seeds:
 * `TWINWARD_FUZZ_FACTOR` and `TWINWARD_FUZZ_SEED`.
 *
 * @param seed  for a test that should try the same each time; without it each run draws a new one,
 *   which fast-check prints when it fails
 */
export function fuzzRuns(numRuns: number, seed?: number): FuzzRuns {
  const chosen = process.env.TWINWARD_FUZZ_SEED ?? seed
  return {
    numRuns: Math.ceil(numRuns * Number(process.env.TWINWARD_FUZZ_FACTOR ?? 1)),
    ...(chosen !== undefined && { seed: Number(chosen) }),
  }
}
