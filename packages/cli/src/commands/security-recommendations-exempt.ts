import { apiOf, type Command, UsageError } from '../command.ts'
import { formatTime } from '../output.ts'
import {
  RECOMMENDATION_ARGUMENTS,
  recommendationPath,
  subjectOf,
  type WholeRecommendation,
} from '../recommendation.ts'

const DAY_MS = 24 * 3_600_000
/** Ten years: beyond, leave the end out. */
const MAX_DAYS = 3_650

export const securityRecommendationsExempt: Command = {
  arguments: RECOMMENDATION_ARGUMENTS,
  options: [
    { flags: '--reason <text>', description: 'why it is accepted' },
    {
      flags: '--days <n>',
      description: 'so many days',
      defaultText: 'until reopen',
      integer: { min: 1, max: MAX_DAYS },
    },
    { flags: '--until <time>', description: 'until then, such as 2026-01-31T12:00:00Z' },
  ],
  talksTo: 'server',
  details:
    'An exempted recommendation stays in the list and counts as neutral in the score. When its time is\n' +
    'over it is Active again, or Resolved when its state has become good meanwhile.',
  examples: [
    [
      'security recommendations exempt IoT_OpenPorts pump-1 --reason "kiosk mode" --days 90',
      'for three months',
    ],
  ],

  async run(input, context) {
    const reason = input.text('reason')
    const days = input.integer('days')
    const until = input.text('until')
    if (reason === undefined) throw new UsageError('An exemption needs a --reason.')
    if (days !== undefined && until !== undefined) throw new UsageError('Give --days or --until.')
    const exemptUntilUtc =
      days === undefined ? until : new Date(Date.now() + days * DAY_MS).toISOString()
    const change = {
      ...{ state: 'Exempt', reason },
      ...(exemptUntilUtc !== undefined && { exemptUntilUtc }),
    }
    const path = recommendationPath(input)
    const one = await apiOf(input, context).patch<WholeRecommendation>(path, change)
    const { out } = context
    if (out.isJson) return out.json(one)
    const end = one.exemptUntilUtc === null ? 'for good' : `until ${formatTime(one.exemptUntilUtc)}`
    out.print(`${one.recommendationType} of ${subjectOf(one)} is exempt ${end}.`)
  },
}
