import type { ThresholdRuleName } from '../../groups/rule-types.ts'
import type { ThresholdRule } from '../../groups/security-group.ts'
import type { SecurityRecord } from '../../ingestion/record.ts'
import { ofRecord } from '../explain/conditions.ts'
import { matchRecord } from '../record-match.ts'
import type { Rule } from '../rule.ts'
import { customAlertType } from './custom-type.ts'

/** A range of sizes of snapshots as a rule on records. */
export function thresholdRule({ ruleType, minThreshold, maxThreshold }: ThresholdRule): Rule {
  const { kind, what, count } = COUNTED[ruleType]
  const last = `there are less than ${minThreshold} or more than ${maxThreshold} ${what}`
  return {
    type: customAlertType(ruleType),
    kinds: [kind],
    conditions: ofRecord([kind], [], last, (record) => `there are ${count(record) ?? 0}`),
    evaluate({ record }) {
      const counted = count(record)
      if (counted === undefined || (counted >= minThreshold && counted <= maxThreshold)) {
        return undefined
      }
      const range = `${minThreshold} to ${maxThreshold}`
      return matchRecord(record, {
        key: '',
        seen: `${counted} ${what}, allowed are ${range}`,
        properties: {
          Count: String(counted),
          'Minimum Threshold': String(minThreshold),
          'Maximum Threshold': String(maxThreshold),
        },
      })
    },
  }
}

interface Counted {
  readonly kind: SecurityRecord['kind']
  /** Of what it is the number. */
  readonly what: string
  count(record: SecurityRecord): number | undefined
}

const COUNTED: { readonly [name in ThresholdRuleName]: Counted } = {
  ListeningPortsNotInAllowedRange: {
    kind: 'ports',
    what: 'listening ports',
    count: (record) => (record.kind === 'ports' ? record.ports.length : undefined),
  },
  LocalUsersNotInAllowedRange: {
    kind: 'users',
    what: 'local users',
    count: (record) => (record.kind === 'users' ? record.users.length : undefined),
  },
  FirewallRulesNotInAllowedRange: {
    kind: 'fw',
    what: 'firewall rules',
    count: (record) =>
      record.kind === 'fw' ? record.rules.filter(({ isPolicy }) => !isPolicy).length : undefined,
  },
  FailedBaselineChecksNotInAllowedRange: {
    kind: 'baseline',
    what: 'failed baseline checks',
    count: (record) =>
      record.kind === 'baseline'
        ? record.checks.filter(({ result }) => result === 'fail').length
        : undefined,
  },
}
