/** The security API on baselines. */
export const BASELINE = '/api/security/baseline'
export const CUSTOM_CHECKS = `${BASELINE}/custom-checks`

export interface CountsView {
  readonly pass: number
  readonly fail: number
  readonly error: number
  readonly skip: number
  readonly disabled: number
}

export interface CheckView {
  readonly benchmark: string
  readonly checkId: string
  readonly title: string
  readonly group: string
  readonly severity: string
  readonly result: string
  readonly firstFailedUtc: string | null
}

export interface GroupCountsView {
  readonly group: string
  readonly compliance: number | null
  readonly counts: CountsView
}

export interface BenchmarkView extends Omit<GroupCountsView, 'group'> {
  readonly benchmark: string
  readonly evaluatedUtc: string | null
  readonly groups: readonly GroupCountsView[]
}

export interface BaselineView {
  readonly deviceId: string
  readonly benchmarks: readonly BenchmarkView[]
  readonly items: readonly CheckView[]
}

/** A set of custom checks. */
export interface CheckSetView {
  readonly sha256: string
  readonly addedUtc: string | null
  readonly addedBy: string
  readonly sizeBytes: number
  readonly baselineId: string
  readonly checks: number
  readonly xmlSha256: string
  readonly benchmark: string
  readonly path: string
}

/** `86 %`; a dash when nothing was checked. */
export function formatCompliance(compliance: number | null): string {
  return compliance === null ? '–' : `${Math.round(compliance * 100)} %`
}

export function countColumns({ pass, fail, error, skip, disabled }: CountsView): readonly string[] {
  return [pass, fail, error, skip, disabled].map(String)
}

export const COUNT_HEAD = ['PASS', 'FAIL', 'ERROR', 'SKIP', 'DISABLED']
