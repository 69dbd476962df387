export type RegistryJobType = 'export' | 'import'

/** `enqueued` → `running` → one of the others (01 §7). */
export type RegistryJobStatus = 'enqueued' | 'running' | 'completed' | 'failed' | 'cancelled'

/** An import or export of the registry. Times in ms since the epoch. */
export interface RegistryJob {
  readonly jobId: string
  readonly type: RegistryJobType
  readonly status: RegistryJobStatus
  /** Percent. */
  readonly progress: number
  readonly startTimeMs: number
  readonly endTimeMs: number | null
  readonly excludeKeysInExport: boolean
  readonly failureReason: string | null
}

export function isOver({ status }: RegistryJob): boolean {
  return status !== 'enqueued' && status !== 'running'
}

/**
 * The history of import and export jobs.
 *
 * Adapters: `adapters/memory`, `adapters/sqlite`; each passes `test/contracts/registry-jobs.ts`.
 * A promise resolves once the change would survive a crash.
 */
export interface RegistryJobStore {
  /** Adds the job, or replaces the one with its id. */
  save(job: RegistryJob): Promise<void>

  find(jobId: string): Promise<RegistryJob | undefined>

  /** Up to `limit` jobs, the youngest start first; of one start, in the order of their ids. */
  list(limit: number): Promise<readonly RegistryJob[]>

  /** Forgets jobs that started before `startedBeforeMs`, and all but the `keep` youngest. */
  trim(startedBeforeMs: number, keep: number): Promise<void>
}
