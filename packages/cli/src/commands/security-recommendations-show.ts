import { apiOf, type Command } from '../command.ts'
import {
  describeRecommendation,
  RECOMMENDATION_ARGUMENTS,
  recommendationPath,
  type WholeRecommendation,
} from '../recommendation.ts'

export const securityRecommendationsShow: Command = {
  arguments: RECOMMENDATION_ARGUMENTS,
  talksTo: 'server',
  examples: [
    [
      'security recommendations show IoT_OpenPorts pump-1',
      'what was found, what to do, its history',
    ],
    ['security recommendations show IoT_IPFilter_DenyAll', 'one that is about the hub itself'],
  ],

  async run(input, context) {
    const path = recommendationPath(input)
    const one = await apiOf(input, context).get<WholeRecommendation>(path)
    if (context.out.isJson) context.out.json(one)
    else context.out.print(describeRecommendation(one))
  },
}
