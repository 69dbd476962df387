import { ASK_WHO_RAN_IT, FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import { segmentRule } from '../command-rule.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'

const type: AlertType = {
  number: 34,
  alertType: 'IoT_ExecuteFileWithTrailingSpace',
  displayName: 'Space after filename',
  severity: 'Medium',
  intent: 'DefenseEvasion',
  description:
    'The name of a started program ends with a blank after what looks like an extension. It is a ' +
    'trick: in a list the file looks like a document, but it runs.',
  remediationSteps: [
    'Look at the file with its blank (`ls -la --quoting-style=c`): what is it really?',
    ASK_WHO_RAN_IT,
    'If nobody did, stop the process and keep a copy of the file and its hash.',
    FIND_THE_WAY_IN,
    HAND_OVER,
  ],
  techniques: ['T1036.006'],
}

/** `"/tmp/report.txt " -x` */
export const executeFileWithTrailingSpace: Rule = segmentRule(
  type,
  ({ path }) =>
    path.endsWith(' ') && endsWithExtension(path.trimEnd())
      ? { seen: 'the name of the program ends with a blank', key: path }
      : undefined,
  inLine(
    [['the name of a program ends with a blank', ({ path }) => path.endsWith(' ')]],
    'before the blank stands an ending, such as .txt',
  ),
)

function endsWithExtension(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return /^.*\.[a-z0-9]{1,5}$/i.test(name.slice(-64))
}
