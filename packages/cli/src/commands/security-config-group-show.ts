import { apiOf, type Command } from '../command.ts'
import { groupLayerPath, type LayerView, showLayer } from '../layer-view.ts'

export const securityConfigGroupShow: Command = {
  arguments: [{ syntax: '<group>', description: 'the security group' }],
  talksTo: 'server',
  examples: [['security config group show outside', 'what agents of this group inherit']],

  async run(input, context) {
    const path = groupLayerPath(input.argument(0))
    const view = await apiOf(input, context).get<LayerView>(path)
    if (context.out.isJson) context.out.json(view)
    else showLayer(context.out, view)
  },
}
