import type { Command } from '../command.ts'
import { RECOMMENDATION_STATES, type RecommendationView, SEVERITIES } from '../finding.ts'
import { formatTime } from '../output.ts'
import { DEVICE_OPTION, PAGE_OPTIONS, readPages, showPage } from '../pages.ts'
import { RECOMMENDATIONS, subjectOf } from '../recommendation.ts'

export const securityRecommendations: Command = {
  options: [
    DEVICE_OPTION,
    { flags: '--hub', description: 'those about the hub itself' },
    { flags: '--type <type>', description: 'of this type, such as IoT_OpenPorts' },
    { flags: '--state <state>', description: 'in this state', choices: RECOMMENDATION_STATES },
    { flags: '--severity <severity>', description: 'of this severity', choices: SEVERITIES },
    ...PAGE_OPTIONS,
  ],
  talksTo: 'server',
  examples: [
    ['security recommendations --state Active', 'what should change'],
    ['security recommendations --device pump-1 --json', 'for a program'],
  ],

  async run(input, context) {
    const page = await readPages<RecommendationView>(input, context, RECOMMENDATIONS, {
      device: input.text('device'),
      scope: input.isSet('hub') ? 'hub' : undefined,
      type: input.text('type'),
      state: input.text('state'),
      severity: input.text('severity'),
    })
    showPage(context, page, {
      head: ['CHANGED', 'DEVICE', 'SEVERITY', 'STATE', 'TYPE', 'RECOMMENDATION'],
      row: (recommendation) => [
        formatTime(recommendation.stateChangedUtc),
        subjectOf(recommendation),
        recommendation.severity,
        recommendation.state,
        recommendation.recommendationType,
        recommendation.displayName,
      ],
      empty: 'No such recommendations.',
    })
  },
}
