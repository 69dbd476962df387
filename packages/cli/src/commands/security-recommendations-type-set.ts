import { apiOf, type Command } from '../command.ts'
import { RECOMMENDATION_TYPES } from '../recommendation.ts'

export const securityRecommendationsTypeSet: Command = {
  arguments: [
    { syntax: '<type>', description: 'such as IoT_OpenPorts' },
    { syntax: '<status>', description: 'Enabled or Disabled' },
  ],
  talksTo: 'server',
  details:
    'Disabled, what is open of the type is resolved in the whole hub and nothing opens. Enabled again, it\n' +
    'opens with the next snapshot that is bad.',
  examples: [
    ['security recommendations type set IoT_EdgeLoggingOptions Disabled', 'nobody is asked'],
  ],

  async run(input, context) {
    const type = input.argument(0)
    const path = `${RECOMMENDATION_TYPES}/${encodeURIComponent(type)}`
    const body = { status: input.argument(1) }
    const view = await apiOf(input, context).put<{ readonly status: string }>(path, body)
    if (context.out.isJson) context.out.json(view)
    else context.out.print(`${type} is ${view.status}.`)
  },
}
