import { apiOf, type Command } from '../command.ts'
import {
  RECOMMENDATION_ARGUMENTS,
  recommendationPath,
  subjectOf,
  type WholeRecommendation,
} from '../recommendation.ts'

export const securityRecommendationsReopen: Command = {
  arguments: RECOMMENDATION_ARGUMENTS,
  options: [{ flags: '--reason <text>', description: 'why' }],
  talksTo: 'server',
  examples: [['security recommendations reopen IoT_OpenPorts pump-1', 'ends its exemption']],

  async run(input, context) {
    const reason = input.text('reason')
    const change = { state: 'Active', ...(reason !== undefined && { reason }) }
    const path = recommendationPath(input)
    const one = await apiOf(input, context).patch<WholeRecommendation>(path, change)
    if (context.out.isJson) context.out.json(one)
    else context.out.print(`${one.recommendationType} of ${subjectOf(one)} is ${one.state}.`)
  },
}
