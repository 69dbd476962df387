import { apiOf, type Command, nextCommand } from '../command.ts'
import {
  describeSuppression,
  MATCH_DETAILS,
  MEANT_OPTIONS,
  REASON_OPTION,
  readSuppression,
  SUPPRESSIONS,
  type SuppressionView,
  UNTIL_OPTION,
} from '../suppression.ts'

export const securitySuppressionCreate: Command = {
  options: [
    ...MEANT_OPTIONS,
    UNTIL_OPTION,
    REASON_OPTION,
    { flags: '--apply-to-open', description: 'dismiss the open alerts that it is about, too' },
  ],
  talksTo: 'server',
  details: MATCH_DETAILS,
  examples: [
    [
      'security suppression create --type IoT_FileModified --group plant --match "Path^=/var/cache/" --until never --reason "package cache"',
      'one directory of a group',
    ],
    [
      'security suppression create --device pump-1 --until 2026-12-31 --reason "test bench"',
      'everything of one device',
    ],
  ],

  async run(input, context) {
    const { out } = context
    const body = { ...readSuppression(input), applyToOpen: input.isSet('applyToOpen') }
    const created = await apiOf(input, context).post<SuppressionView>(SUPPRESSIONS, body)
    if (out.isJson) return out.json(created)
    out.print(describeSuppression(created))
    tellDismissed(created, (text) => out.note(text))
    if (!created.open) {
      const line = `security alerts update --all --type ${created.alertType} --status Dismissed`
      if (created.alertType !== '*') {
        out.note(
          `Open alerts stay as they are; to dismiss them: ${nextCommand(input, context, line)}`,
        )
      }
    }
  },
}

/** What became of the alerts that were open. */
export function tellDismissed({ open }: SuppressionView, note: (text: string) => void): void {
  if (!open) return
  note(`Dismissed ${open.dismissed} open alerts.`)
  if (!open.isComplete) note('There are more open alerts than are compared at once: try it again.')
}
