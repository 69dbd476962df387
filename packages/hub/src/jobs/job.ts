import type { DeviceRef, TwinWrite } from '@twinward/protocol'
import type { MethodCall } from '../methods/method-call.ts'
import type { WriteAuthor } from '../twins/desired-review.ts'

export type JobType = 'scheduleUpdateTwin' | 'scheduleDeviceMethod'

/** `queued` → `scheduled` → `running` → `completed` or `failed`; the first two also → `cancelled`. */
export type JobStatus =
  | 'queued'
  | 'scheduled'
  | 'running'
  | 'completed'
  | 'failed'
  /** Two l here, one in `TargetStatus`: both are IoT Hub's (08 §1.4). */
  | 'cancelled'

/** What a job does with each of its targets. */
export type JobWork =
  | { readonly type: 'scheduleUpdateTwin'; readonly write: TwinWrite }
  | { readonly type: 'scheduleDeviceMethod'; readonly call: MethodCall }

/** A scheduled job (08 §1). Times in ms since the epoch. */
export interface Job {
  readonly jobId: string
  /** Unlike that of any other job, also of one that had its id before. */
  readonly runId: string
  readonly work: JobWork
  readonly queryCondition: string
  readonly status: JobStatus
  readonly createdTimeMs: number
  /** When it is to begin, or began. */
  readonly startTimeMs: number
  /** `null` until it is over. */
  readonly endTimeMs: number | null
  readonly maxExecutionMs: number
  /** Whether its targets are all in the store. */
  readonly isGathered: boolean
  /** What went wrong with the job as a whole; empty when nothing did. */
  readonly failureReason: string
  /** Who asked for it: what its writes may do. */
  readonly author?: WriteAuthor
}

export type TargetStatus = 'pending' | 'running' | 'completed' | 'failed' | 'canceled'

/** What a job has to do, or did, with one device or module (08 §1.4). */
export interface JobTarget {
  readonly ref: DeviceRef
  readonly jobId: string
  readonly jobType: JobType
  readonly status: TargetStatus
  readonly createdTimeMs: number
  readonly updatedTimeMs: number
  /** 0 until it began. */
  readonly startTimeMs: number
  /** 0 until it is over. */
  readonly endTimeMs: number
  /** JSON text of a method's answer: `{"status":200,"payload":…}`. */
  readonly answer?: string
  readonly error?: { readonly code: string; readonly description: string }
}

/** Targets of a job by their status. */
export interface JobStatistics {
  readonly deviceCount: number
  readonly failedCount: number
  readonly succeededCount: number
  readonly runningCount: number
  readonly pendingCount: number
}

export function isOver({ status }: Pick<Job, 'status'>): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}
