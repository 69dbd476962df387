import { apiOf, type Command, UsageError } from '../command.ts'
import type { AlertView } from '../finding.ts'
import {
  describeSuppression,
  REASON_OPTION,
  readMatcher,
  SUPPRESSIONS,
  type SuppressionView,
  UNTIL_OPTION,
} from '../suppression.ts'
import { tellDismissed } from './security-suppression-create.ts'

/** The first of these that an alert has says what it is about. */
const TELLING = ['CommandLine', 'Path', 'Remote Address', 'User Name', 'Domain Name', 'Interface']

interface AlertWithProperties extends AlertView {
  readonly extendedProperties: { readonly [name: string]: string }
}

export const securityAlertsSuppress: Command = {
  arguments: [{ syntax: '<id>', description: 'the alert' }],
  options: [
    UNTIL_OPTION,
    REASON_OPTION,
    {
      flags: '--match <condition>',
      description: 'as of "security suppression create"',
      defaultText: `equal to the alert in the first it has of ${TELLING.join(', ')}`,
      isRepeatable: true,
    },
    { flags: '--everywhere', description: 'on all devices, not only on its own' },
  ],
  talksTo: 'server',
  details: 'Holds alerts like this one back from now on, and dismisses those that are open.',
  examples: [
    ['security alerts suppress ID --until 2026-12-31 --reason "backup job"', 'on its device'],
    ['security alerts suppress ID --everywhere --until never --reason "our own tool"', 'on all'],
  ],

  async run(input, context) {
    const [expiresUtc, reason] = [input.text('until'), input.text('reason')]
    if (expiresUtc === undefined) throw new UsageError('Say how long: --until TIME or never.')
    if (reason === undefined) throw new UsageError('Say why: --reason TEXT.')
    const api = apiOf(input, context)
    const path = `/api/security/alerts/${encodeURIComponent(input.argument(0))}`
    const alert = await api.get<AlertWithProperties>(path)
    const given = input.list('match').map(readMatcher)
    const body = {
      alertType: alert.alertType,
      match: given.length > 0 ? given : telling(alert),
      ...(!input.isSet('everywhere') && { deviceId: alert.deviceId }),
      ...{ expiresUtc, reason, applyToOpen: true },
    }
    const created = await api.post<SuppressionView>(SUPPRESSIONS, body)
    if (context.out.isJson) return context.out.json(created)
    context.out.print(describeSuppression(created))
    tellDismissed(created, (text) => context.out.note(text))
  },
}

function telling({ extendedProperties }: AlertWithProperties) {
  const name = TELLING.find((each) => (extendedProperties[each] ?? '') !== '')
  return name === undefined
    ? []
    : [{ name, operator: 'equals', value: extendedProperties[name] ?? '' }]
}
