import type { Finding } from '../../detection/evaluate.ts'
import type { Verdict } from '../../detection/noise/verdict.ts'
import type { Evaluation } from './drill-judge.ts'
import { DRILL_ALERT_TYPE } from './drill-message.ts'
import { DrillBroken } from './drill-report.ts'
import type { Passed } from './drill-run.ts'

/** The finding that raises the drill's alert. Pure. @throws {DrillBroken} when nothing does */
export function describeVerdicts(verdicts: Evaluation['verdicts']): Passed<Finding> {
  const expected = verdicts.filter(
    ({ finding }) => finding.rule.type.alertType === DRILL_ALERT_TYPE,
  )
  for (const { verdict } of [...expected, ...verdicts]) {
    if (verdict.kind !== 'raised') continue
    const { alertType } = verdict.finding.rule.type
    return { value: verdict.finding, detail: `rule ${alertType} found it` }
  }
  const [first] = [...expected, ...verdicts]
  if (!first) throw new DrillBroken(`rule ${DRILL_ALERT_TYPE} did not find it`)
  throw new DrillBroken(`rule ${first.finding.rule.type.alertType} ${why(first.verdict)}`)
}

function why(verdict: Verdict): string {
  switch (verdict.kind) {
    case 'off':
      return verdict.group === ''
        ? 'is switched off'
        : `is switched off for the security group ${verdict.group}`
    case 'learning':
      return `only learns in the security group ${verdict.group}`
    case 'suppressed':
      return `found it, but suppression ${verdict.suppressionId} holds it back`
    case 'raised':
      return 'found it'
  }
}
