import { apiOf, type Command } from '../command.ts'
import { HUB_LAYER_PATH, type LayerView, showLayer } from '../layer-view.ts'
import { readChanges, SETTING_ARGUMENT, SETTING_DETAILS } from '../setting-changes.ts'

export const securityConfigHubSet: Command = {
  arguments: [SETTING_ARGUMENT],
  talksTo: 'server',
  details: `Devices get it in the background; their own values and those of their group win.\n${SETTING_DETAILS}`,
  examples: [
    ['security config hub set snapshotFrequency=PT1H Process_Mode=2', 'for agents of every era'],
    ['security config hub set snapshotFrequency=', 'take it away again'],
  ],

  async run(input, context) {
    const settings = readChanges(input.rest())
    const view = await apiOf(input, context).patch<LayerView>(HUB_LAYER_PATH, { settings })
    if (context.out.isJson) context.out.json(view)
    else showLayer(context.out, view)
  },
}
