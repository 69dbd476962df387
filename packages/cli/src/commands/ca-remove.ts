import { caPath } from '../ca-certificate.ts'
import { apiOf, type Command } from '../command.ts'

export const caRemove: Command = {
  arguments: [{ syntax: '<name>', description: 'the registered CA' }],
  talksTo: 'server',
  details: 'Devices with certificates of this CA are disconnected and refused from now on.',
  examples: [['ca remove factory', 'trust it no more']],

  async run(input, context) {
    const name = input.argument(0)
    await apiOf(input, context).delete(caPath(name), '*')
    if (context.out.isJson) context.out.json({ name, removed: true })
    else context.out.print(`Removed CA ${name}.`)
  },
}
