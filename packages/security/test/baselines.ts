import type { CheckState, DeviceBaseline } from '../src/baseline/baseline.ts'

/** A check of a CIS baseline that has passed, but for what is said. */
export function check(fields: Partial<CheckState> = {}): CheckState {
  return {
    id: '1.1.2',
    group: 'Filesystem',
    severity: 'warning',
    description: 'as the agent says it',
    remediation: '',
    result: 'pass',
    error: '',
    firstFailedMs: 0,
    lastChangedMs: 1_000,
    ...fields,
  }
}

/** A check that fails since 2,000. */
export function failing(fields: Partial<CheckState> = {}): CheckState {
  return check({ result: 'fail', firstFailedMs: 2_000, lastChangedMs: 2_000, ...fields })
}

export function baseline(fields: Partial<DeviceBaseline> = {}): DeviceBaseline {
  return {
    deviceId: 'pump-1',
    benchmark: 'cis-dil-2.0.0',
    evaluatedMs: 5_000,
    tellsPasses: true,
    leftOut: 0,
    disabled: { groups: [], checks: [] },
    checks: [check()],
    ...fields,
  }
}
