import type { HubEvent } from '../../activity/hub-activity.ts'
import type { AlertType } from '../rule.ts'
import { hubRule } from './hub-rule.ts'

const ASK_WHO =
  'Ask whoever may use the policy that the alert names whether the change was theirs; the audit ' +
  'log (`security audit`) has the time and the address.'

const changed: AlertType = {
  number: 107,
  alertType: 'IoT_DiagnosticSettingAddedOrEditedOnHub',
  displayName: 'Export of events changed',
  severity: 'Low',
  intent: 'DefenseEvasion',
  description:
    'A route, an enrichment or a consumer group was added or changed: who gets which events of this ' +
    'hub is no longer what it was.',
  remediationSteps: [
    ASK_WHO,
    'Read the routing as it is now: does every reader still get what it needs, and nobody else?',
    'If nobody knows of it, put the routing back and renew the keys of that policy.',
  ],
  techniques: ['T1562.008'],
}

const deleted: AlertType = {
  number: 108,
  alertType: 'IoT_DiagnosticSettingDeletedFromHub',
  displayName: 'Export of events removed',
  severity: 'Low',
  intent: 'DefenseEvasion',
  description:
    'A route, an enrichment or a consumer group was removed. Events that somebody relied on may ' +
    'reach nobody now.',
  remediationSteps: [
    ASK_WHO,
    'Check that those who watch over this hub still get their events.',
    'If nobody knows of it, put back what was removed and renew the keys of that policy.',
  ],
  techniques: ['T1562.008', 'T1070'],
}

const success = { outcome: 'success', key: ({ subject = '' }: HubEvent) => subject } as const

/** What happened to the ways by which events leave the hub. */
export const exportRules = [
  hubRule(changed, { ...success, kind: 'export.change', seen: 'an export was changed' }),
  hubRule(deleted, { ...success, kind: 'export.delete', seen: 'an export was removed' }),
]
