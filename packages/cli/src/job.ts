import type { Option } from './command.ts'

export const JOBS_PATH = '/jobs/v2'

/** A scheduled job as the API shows it. */
export interface JobView {
  readonly jobId: string
  readonly type: string
  readonly status: string
  readonly queryCondition?: string
  readonly createdTime?: string
  readonly startTime?: string
  readonly endTime?: string
  readonly failureReason?: string
  readonly deviceJobStatistics?: {
    readonly deviceCount: number
    readonly failedCount: number
    readonly succeededCount: number
    readonly runningCount: number
    readonly pendingCount: number
  }
}

/** What a job did with one device or module. */
export interface JobRecordView {
  readonly deviceId: string
  readonly moduleId?: string
  readonly status: string
  readonly endTimeUtc?: string
  readonly outcome?: { readonly deviceMethodResponse: { readonly status: number } | null }
  readonly error?: { readonly code: string; readonly description: string }
}

export function jobPath(jobId: string): string {
  return `${JOBS_PATH}/${encodeURIComponent(jobId)}`
}

/** When a job starts, and how long it may take. */
export const JOB_OPTIONS: readonly Option[] = [
  {
    flags: '--where <condition>',
    description: "devices that meet it, such as tags.site='A'; '*' for all",
  },
  {
    flags: '--modules <id>',
    description: 'modules with this id; the condition is about their own twins',
  },
  { flags: '--at <time>', description: 'when to start, up to 168 hours ahead', defaultText: 'now' },
  {
    flags: '--within <seconds>',
    description: 'how long it may take',
    defaultText: '3600',
    integer: { min: 1, max: 604_800 },
  },
  { flags: '--wait', description: 'show the progress until it is over' },
]

export function isOver({ status }: JobView): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

/** `12 of 100 done, 1 failed` */
export function progressOf({ deviceJobStatistics }: JobView): string {
  if (!deviceJobStatistics) return ''
  const { deviceCount, succeededCount, failedCount } = deviceJobStatistics
  const failed = failedCount > 0 ? `, ${failedCount} failed` : ''
  return `${succeededCount + failedCount} of ${deviceCount} done${failed}`
}
