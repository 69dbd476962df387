import { apiOf, type Command } from '../command.ts'
import { groupLayerPath, type LayerView, showLayer } from '../layer-view.ts'
import { readChanges, SETTING_ARGUMENT, SETTING_DETAILS } from '../setting-changes.ts'

export const securityConfigGroupSet: Command = {
  arguments: [{ syntax: '<group>', description: 'the security group' }, SETTING_ARGUMENT],
  talksTo: 'server',
  details: `Devices get it in the background; their own values win.\n${SETTING_DETAILS}`,
  examples: [
    ['security config group set outside eventPriorityLogin=High', 'for agents of one group'],
    ['security config group set outside eventPriorityLogin=', 'take it away again'],
  ],

  async run(input, context) {
    const settings = readChanges(input.rest())
    const path = groupLayerPath(input.argument(0))
    const view = await apiOf(input, context).patch<LayerView>(path, { settings })
    if (context.out.isJson) context.out.json(view)
    else showLayer(context.out, view)
  },
}
