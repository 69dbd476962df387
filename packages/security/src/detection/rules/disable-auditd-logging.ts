import { ASK_WHO_RAN_IT, HAND_OVER } from '../advice.ts'
import { isBelow, operandsOf, valuesOf } from '../command/arguments.ts'
import type { Segment } from '../command/command.ts'
import { segmentRule } from '../command-rule.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { removesPackage } from '../sets/packages.ts'
import { AUDIT_UNITS, stopsService } from '../sets/services.ts'

const type: AlertType = {
  number: 4,
  alertType: 'IoT_DisableAuditdLogging',
  displayName: 'Attempt to disable auditd logging',
  severity: 'High',
  intent: 'DefenseEvasion',
  description:
    'The audit subsystem, which records what programs do, is stopped, emptied or taken away. From ' +
    'then on the device may be blind, and this alert may be the last that it raises.',
  remediationSteps: [
    'Treat this as urgent: look at once at what else the device did in the minutes before.',
    ASK_WHO_RAN_IT,
    'Start the audit service again and compare its rules with those that the device should have.',
    'What happened in between is not recorded on the device; look at its neighbours and at the ' +
      'network for traces.',
    HAND_OVER,
  ],
  techniques: ['T1562.012', 'T1562.001'],
}

/** The audit service stopped or removed, its rules deleted, its files destroyed. */
export const disableAuditdLogging: Rule = segmentRule(
  type,
  disables,
  inLine(
    [['something about auditing is named', namesAudit]],
    'auditing is switched off, its service stopped or removed, or its rules destroyed',
  ),
)

function namesAudit({ program, args, redirections }: Segment): boolean {
  const words = [program, ...args, ...redirections.map(({ target }) => target)]
  return words.some((word) => word.includes('audit'))
}

function disables(segment: Segment): string | undefined {
  const { program, args, redirections } = segment
  if (program === 'auditctl') return auditctl(args)
  if (stopsService(segment, AUDIT_UNITS)) return 'the audit service is stopped'
  if (KILLING.has(program) && args.some((arg) => AUDIT_UNITS.has(arg))) {
    return 'the audit service is killed'
  }
  if (removesPackage(segment, AUDIT_PACKAGES)) return 'the audit package is removed'
  const isEmptied = redirections.some(({ operator, target }) => operator === '>' && isRules(target))
  if (isEmptied || (DESTROYING.has(program) && operandsOf(args).some(isRules))) {
    return 'the configuration of the audit service is destroyed'
  }
  return undefined
}

const KILLING: ReadonlySet<string> = new Set(['pkill', 'killall'])
const DESTROYING: ReadonlySet<Segment['program']> = new Set([
  ...['rm', 'truncate', 'shred', 'unlink', 'wipe'],
])
const AUDIT_PACKAGES: ReadonlySet<string> = new Set(['auditd', 'audit'])

function auditctl(args: readonly string[]): string | undefined {
  if (valuesOf(args, 'e').includes('0')) return 'auditing is switched off'
  return args.includes('-D') ? 'all audit rules are deleted' : undefined
}

function isRules(path: string): boolean {
  return isBelow(path, '/etc/audit') || isBelow(path, '/var/log/audit')
}
