/** The way of an event, in order. */
export const DRILL_STEPS = [
  'module',
  'message',
  'pipeline',
  'rule',
  'alert',
  'route',
  'notification',
  'cleanup',
] as const

export type DrillStepName = (typeof DRILL_STEPS)[number]

export interface DrillStep {
  readonly step: DrillStepName
  readonly state: 'passed' | 'failed' | 'skipped'
  /** Since the drill began. */
  readonly atMs: number
  /** For a person: what was seen, or what is wrong. */
  readonly detail: string
  /** Of a notification. */
  readonly channel?: string
}

export interface DrillReport {
  readonly id: string
  readonly deviceId: string
  readonly startedMs: number
  readonly hasPassed: boolean
  /** The first step that failed. */
  readonly brokenAt?: DrillStepName
  readonly steps: readonly DrillStep[]
}

/** Why a step failed, for a person. */
export class DrillBroken extends Error {
  override readonly name = 'DrillBroken'
}
