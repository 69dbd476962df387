import type { Configuration, MetricResults } from './configuration.ts'

/** Configurations of one hub. */
export const MAX_CONFIGURATIONS = 100

/**
 * A pass over the twins that a change of a configuration concerns: those that meet its condition, then
 * those that hold it. It begins with the change, in the same commit, and ends when all are done.
 */
export interface Pass {
  readonly configurationId: string
  /** Greater than that of every pass of this configuration before it. */
  readonly number: number
  /** Which of the queries it is at, and where in its results; absent: at their beginning. */
  readonly step: number
  readonly after?: string
}

export interface StoredConfiguration {
  readonly configuration: Configuration
  /** Absent until its metrics were counted for the first time. */
  readonly results?: MetricResults
}

/**
 * The automatic configurations of a hub, and passes that are not done.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/configuration-store.ts`.
 * A promise of a write resolves once it would survive a crash.
 */
export interface ConfigurationStore {
  /** All, in the order of their ids. */
  list(): Promise<readonly StoredConfiguration[]>

  /**
   * Writes a configuration if its revision is one more than that of the stored one (0 when there is
   * none), and begins the pass in place of an earlier one.
   *
   * @returns whether it was
   */
  put(configuration: Configuration, pass: Pass): Promise<boolean>

  /** Removes a configuration and begins the pass. @returns whether it was there */
  remove(pass: Pass): Promise<boolean>

  /** Begins a pass in place of an earlier one, without a change. */
  beginPass(pass: Pass): Promise<void>

  /** Keeps results; of a configuration that is gone, nothing. */
  putResults(id: string, results: MetricResults): Promise<void>

  /** In the order of their ids. */
  passes(): Promise<readonly Pass[]>

  /** Remembers how far a pass is, unless another has taken its place. */
  movePass(pass: Pass): Promise<void>

  /** The same for one that is done: it is there no more. */
  endPass(pass: Pass): Promise<void>
}
