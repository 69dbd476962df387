import { apiOf, type Command } from '../command.ts'
import { type ConfigurationView, configurationPath } from '../configuration.ts'
import { formatJson } from '../output.ts'

export const configurationShow: Command = {
  arguments: [{ syntax: '<id>', description: 'the configuration' }],
  talksTo: 'server',
  examples: [['configuration show chiller-1', 'its document, with what was counted']],

  async run(input, context) {
    const path = configurationPath(input.argument(0))
    const configuration = await apiOf(input, context).get<ConfigurationView>(path)
    if (context.out.isJson) context.out.json(configuration)
    else context.out.print(formatJson(configuration))
  },
}
