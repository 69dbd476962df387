import { ASK_WHETHER_PLANNED, HAND_OVER } from '../advice.ts'
import { fileRule } from '../file-rule.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 16,
  alertType: 'IoT_FileModified',
  displayName: 'File modified',
  severity: 'High',
  intent: 'Impact',
  description:
    'A file changed in a directory that you let the agent watch because nothing should change ' +
    'there outside of updates.',
  remediationSteps: [
    ASK_WHETHER_PLANNED,
    'Compare the file with its backup or its package.',
    'Look at the processes of the same minute for what did it.',
    HAND_OVER,
  ],
  techniques: ['T1565.001'],
}

/** A file changed in a watched directory. */
export const fileModified: Rule = fileRule(type, 'a file was modified', (facts) => facts.isModified)
