import { apiOf, type Command, UsageError } from '../command.ts'
import {
  type ConfigurationView,
  configurationPath,
  readSettings,
  SETTING_OPTIONS,
} from '../configuration.ts'

export const configurationUpdate: Command = {
  arguments: [{ syntax: '<id>', description: 'the configuration' }],
  options: [
    ...SETTING_OPTIONS,
    { flags: '--etag <etag>', description: 'only when it still is at this etag' },
  ],
  talksTo: 'server',
  details:
    'What is not given stays; labels and metrics that are given replace all there are. The content\n' +
    'stays as it was created: for another one, create a configuration of a higher priority.',
  examples: [
    [`configuration update fast --target "tags.site IN ['b43', 'b44']"`, 'more twins'],
    ['configuration update fast --priority 20', 'win over others'],
  ],

  async run(input, context) {
    const id = input.argument(0)
    const settings = readSettings(input)
    if (Object.keys(settings).length === 0) {
      throw new UsageError('Nothing to change: give --target, --priority, --label or --metric.')
    }
    const api = apiOf(input, context)
    const path = configurationPath(id)
    const stored = await api.get<ConfigurationView>(path)
    const next = { ...stored, ...settings }
    const updated = await api.put<ConfigurationView>(path, next, input.text('etag') ?? stored.etag)
    const { out } = context
    if (out.isJson) out.json(updated)
    else out.print(`Changed configuration ${id}; twins follow now.`)
  },
}
