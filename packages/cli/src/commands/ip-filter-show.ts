import { apiOf, type Command } from '../command.ts'
import { IP_FILTER_PATH, type IpFilterView, showIpFilter } from '../ip-filter.ts'

export const ipFilterShow: Command = {
  talksTo: 'server',
  examples: [['ip-filter show', 'the rules in their order']],

  async run(input, context) {
    showIpFilter(context.out, await apiOf(input, context).get<IpFilterView>(IP_FILTER_PATH))
  },
}
