import { HubError } from '@twinward/protocol'
import type { Job } from './job.ts'

/** Where a list of jobs, the youngest first, goes on. */
export type JobPlace = Pick<Job, 'createdTimeMs' | 'jobId'>

/** `<created ms>.<id>` */
export function formatJobPlace({ createdTimeMs, jobId }: JobPlace): string {
  return `${createdTimeMs}.${jobId}`
}

/** @throws {HubError} `ArgumentInvalid` */
export function readJobPlace(text: string): JobPlace {
  const [, createdMs, jobId] = /^(\d{1,15})\.([a-z0-9\-']{1,64})$/.exec(text) ?? []
  if (createdMs === undefined || jobId === undefined) {
    throw new HubError('ArgumentInvalid', 'The continuation token is not one of this list.')
  }
  return { createdTimeMs: Number(createdMs), jobId }
}
