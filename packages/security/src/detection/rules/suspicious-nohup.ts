import { ASK_WHO_RAN_IT, FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import { operandsOf } from '../command/arguments.ts'
import type { Segment } from '../command/command.ts'
import { segmentRule } from '../command-rule.ts'
import { inLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { SHELLS } from '../sets/shells.ts'
import { isTemporary } from '../sets/temporary-paths.ts'

const type: AlertType = {
  number: 21,
  alertType: 'IoT_SuspiciousNohup',
  displayName: 'Suspicious nohup',
  severity: 'Medium',
  intent: 'Execution',
  description:
    'A program from a temporary directory is started so that it outlives the session of its user. ' +
    'Real services are installed; what runs on from there is often dropped malware.',
  remediationSteps: [
    'Look at the started file: who wrote it, when, and what does it do?',
    ASK_WHO_RAN_IT,
    'If nobody did, stop the process but keep a copy of the file and its hash.',
    FIND_THE_WAY_IN,
    HAND_OVER,
  ],
  techniques: ['T1059.004', 'T1564.011'],
}

/** `nohup` in front of a program or script of a temporary directory. */
export const suspiciousNohup: Rule = segmentRule(
  type,
  (segment, at, { segments }) =>
    segment.nohup && startsTemporary(segment, segments[at + 1])
      ? 'a program of a temporary directory is kept running'
      : undefined,
  inLine(
    [['nohup keeps a command running', ({ nohup }) => nohup]],
    'its program or script lies in a temporary directory',
  ),
)

function startsTemporary(segment: Segment, next: Segment | undefined): boolean {
  const { program, path, args, directory } = segment
  if (path.includes('/') && isTemporary(path, directory)) return true
  if (!SHELLS.has(program) && !program.startsWith('python') && program !== 'perl') return false
  if (operandsOf(args).some((arg) => isTemporary(arg, arg.includes('/') ? '' : directory)))
    return true
  // What follows in the script of `nohup sh -c`.
  return next?.path.startsWith('/') === true && isTemporary(next.path)
}
