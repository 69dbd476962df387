import { apiOf, type Command } from '../command.ts'
import { HUB_LAYER_PATH, type LayerView, showLayer } from '../layer-view.ts'

export const securityConfigHubShow: Command = {
  talksTo: 'server',
  examples: [['security config hub show', 'what all agents inherit']],

  async run(input, context) {
    const view = await apiOf(input, context).get<LayerView>(HUB_LAYER_PATH)
    if (context.out.isJson) context.out.json(view)
    else showLayer(context.out, view)
  },
}
