import { nameCheck } from '../baseline/check-id.ts'
import { type DisabledChecks, isCheckDisabled } from '../baseline/disabled-checks.ts'
import { printable } from '../detection/printable.ts'
import type { BaselineCheck, BaselineRecord } from '../ingestion/record.ts'
import type { Assessment, Recommendation, RecommendationType } from './recommendation.ts'
import type { RecommendationFamily, RecommendationRule, Verdict } from './rule.ts'

/** Checks listed in `FailedChecks`; the counts are of all. */
export const MAX_LISTED_CHECKS = 100
/** Recommendations that one device may get from one run of its baseline. */
export const MAX_CHECK_RECOMMENDATIONS = 300
/** Of a check's texts, in a recommendation. */
const MAX_TEXT_CHARACTERS = 1_000
const MAX_NAME_CHARACTERS = 128

/** What the types of the recommendations on single checks begin with. */
export const CHECK_PREFIX = 'IoT_CISBenchmarks_'
/** The check by which operators try out that all of this works. */
const TEST_CHECK = 'DEFENDER_FOR_IOT_TEST_CHECKS'
const TEST_TYPE = `${CHECK_PREFIX}DIoTTest`

const baselineType: RecommendationType = {
  recommendationType: 'IoT_Baseline',
  displayName: 'Operating system baseline validation failed',
  severity: 'Medium',
  description:
    'The operating system of the device is not configured as its hardening baseline asks.',
  remediationSteps: [
    'Go through the failed checks, the critical ones first.',
    'Change the configuration of the device, or better of the image that it is made from.',
    'Checks that could not be carried out may need a newer agent or more rights.',
  ],
}

const familyType: RecommendationType = {
  recommendationType: 'IoT_CISBenchmarks',
  displayName: 'CIS benchmark check failed',
  severity: 'Medium',
  description:
    'One recommendation for each check of the hardening baseline that fails on the device; its ' +
    'severity is that of the check.',
  remediationSteps: [
    'Do what the check says; the agent sends that with its result.',
    'What does not apply to a device can be switched off in the configuration of its agent ' +
      '(`Baseline_GroupsDisabled`, `Baseline_ChecksDisabled`), or exempted here.',
  ],
}

/** The baseline of legacy agents as a whole (security 05 §4.3): passes are absent from what they send. */
export const baseline: RecommendationRule = {
  type: baselineType,
  kinds: ['baseline'],
  evaluate: (record) => {
    if (record.kind !== 'baseline' || record.header.era !== 'legacy') return undefined
    return assessBaseline(record)
  },
}

function assessBaseline({ checks, header }: BaselineRecord): Assessment {
  const failed = checks.filter(({ result }) => result === 'fail')
  const errors = checks.filter(({ result }) => result === 'error')
  const count = (severity: BaselineCheck['severity']) =>
    failed.filter((check) => check.severity === severity).length
  const isBad = [...failed, ...errors].some(({ severity }) => severity !== 'informational')
  if (!isBad) return { isGood: true }
  const names = failed.slice(0, MAX_LISTED_CHECKS).map(({ id }) => shownName(id))
  return {
    isGood: false,
    additionalData: {
      SnapshotId: shownName(header.eventId),
      TotalFailedRules: String(failed.length),
      // Spelled as it was published.
      TotalRulesFailedDuoToError: String(errors.length),
      TotalInformationalFailedRules: String(count('informational')),
      TotalCriticalFailedRules: String(count('critical')),
      TotalImportantFailedRules: String(count('important')),
      TotalWarningFailedRules: String(count('warning')),
      FailedChecks: JSON.stringify(names),
    },
  }
}

/** One recommendation for each check that fails on an agent of the newer eras. */
export const benchmarkChecks: RecommendationFamily = {
  type: familyType,
  prefix: CHECK_PREFIX,
  wants: ({ kind, header }) => kind === 'baseline' && header.era !== 'legacy',
  evaluateAll: (record, known, off) =>
    record.kind === 'baseline' ? judgeChecks(record, known, off) : [],
}

/**
 * What fails is bad; an error says nothing, whatever was known. All else that is known of the same
 * benchmarks is good: it passed, was skipped or switched off, or is absent from a complete run.
 */
function judgeChecks(
  { checks }: BaselineRecord,
  known: readonly Recommendation[],
  off: DisabledChecks,
): readonly Verdict[] {
  const wanted = checks.filter((check) => !isCheckDisabled(check, off))
  const byType = new Map<string, BaselineCheck>()
  // What fails beyond the limit opens nothing, and is no better than it was.
  const unclear = new Set(wanted.filter(({ result }) => result === 'error').map(checkType))
  for (const check of wanted.filter(({ result }) => result === 'fail')) {
    const type = checkType(check)
    if (byType.size >= MAX_CHECK_RECOMMENDATIONS) unclear.add(type)
    else if (!byType.has(type)) byType.set(type, check)
  }
  const benchmarks = new Set(checks.map(({ benchmark }) => benchmark))
  const isOfRun = ({ additionalData: { Benchmark = '' } }: Recommendation) =>
    checks.length === 0 || benchmarks.has(Benchmark)
  const better = known.filter(
    (one) =>
      isOfRun(one) && !byType.has(one.recommendationType) && !unclear.has(one.recommendationType),
  )
  return [
    ...Array.from(byType, ([name, check]) => ({
      type: typeOf(name, check),
      assessment: assessCheck(check),
    })),
    ...better.map((one) => ({ type: one, assessment: { isGood: true } as const })),
  ]
}

/** `IoT_CISBenchmarks_1.1.2`; checks of other benchmarks carry the name of theirs. */
export function checkType(check: BaselineCheck): string {
  const { id, benchmark, group } = check
  if (group === TEST_CHECK || id.includes(TEST_CHECK)) return TEST_TYPE
  const isCis = benchmark === '' || /^cis/i.test(benchmark)
  const name = isCis ? nameCheck(check).id : `${benchmark}_${id}`
  return `${CHECK_PREFIX}${name.replace(/[^\w.-]/g, '_').slice(0, MAX_NAME_CHARACTERS)}`
}

const SEVERITIES = {
  critical: 'High',
  important: 'Medium',
  warning: 'Low',
  informational: 'Informational',
} as const

function typeOf(name: string, { description, remediation, severity, id }: BaselineCheck) {
  const steps = remediation === '' ? familyType.remediationSteps : [shownText(remediation)]
  return {
    recommendationType: name,
    displayName: shownName(description || `Check ${id}`),
    severity: SEVERITIES[severity],
    description: shownText(description) || familyType.description,
    remediationSteps: steps,
  }
}

function assessCheck({ id, benchmark, group, severity }: BaselineCheck): Assessment {
  return {
    isGood: false,
    severity: SEVERITIES[severity],
    additionalData: {
      CceId: shownName(id),
      Benchmark: benchmark,
      ...(group !== '' && { Group: shownName(group) }),
    },
  }
}

function shownName(text: string): string {
  return printable(text, MAX_NAME_CHARACTERS)
}

function shownText(text: string): string {
  return printable(text, MAX_TEXT_CHARACTERS)
}
