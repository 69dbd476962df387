import type { RegistryJob, RegistryJobStore } from '../../registry/registry-job.ts'

/** The history of jobs for tests: everything in memory, durable at once. */
export class MemoryRegistryJobStore implements RegistryJobStore {
  readonly #jobs = new Map<string, RegistryJob>()

  async save(job: RegistryJob): Promise<void> {
    this.#jobs.set(job.jobId, job)
  }

  async find(jobId: string): Promise<RegistryJob | undefined> {
    return this.#jobs.get(jobId)
  }

  async list(limit: number): Promise<readonly RegistryJob[]> {
    return this.#sorted().slice(0, limit)
  }

  async trim(startedBeforeMs: number, keep: number): Promise<void> {
    for (const [at, { jobId, startTimeMs }] of this.#sorted().entries()) {
      if (at >= keep || startTimeMs < startedBeforeMs) this.#jobs.delete(jobId)
    }
  }

  #sorted(): RegistryJob[] {
    return [...this.#jobs.values()].sort(
      (a, b) => b.startTimeMs - a.startTimeMs || (a.jobId < b.jobId ? -1 : 1),
    )
  }
}
