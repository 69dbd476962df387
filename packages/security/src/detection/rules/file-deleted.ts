import { ASK_WHETHER_PLANNED, HAND_OVER } from '../advice.ts'
import { fileRule } from '../file-rule.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 17,
  alertType: 'IoT_FileDeleted',
  displayName: 'File deleted',
  severity: 'High',
  intent: 'Impact',
  description:
    'A file disappeared from a directory that you let the agent watch because nothing should change ' +
    'there outside of updates.',
  remediationSteps: [
    ASK_WHETHER_PLANNED,
    'Put the file back from a backup, and check what depended on it.',
    'Look at the processes of the same minute for what did it.',
    HAND_OVER,
  ],
  techniques: ['T1485', 'T1070.004'],
}

/** A file gone from a watched directory. */
export const fileDeleted: Rule = fileRule(type, 'a file was deleted', (facts) => facts.isDeleted)
