import { apiOf, type Command } from '../command.ts'
import { EVENT_SCHEMAS } from './security-schema-list.ts'

export const securitySchemaDelete: Command = {
  arguments: [{ syntax: '<name>', description: 'of the custom event' }],
  talksTo: 'server',
  details: 'Its events are still kept, but not judged any more.',
  examples: [['security schema delete acme.DoorOpened', 'its events become unknown ones']],

  async run(input, context) {
    const name = input.argument(0)
    await apiOf(input, context).delete(`${EVENT_SCHEMAS}/${encodeURIComponent(name)}`)
    if (context.out.isJson) context.out.json({ name })
    else context.out.print(`Forgot the schema of ${name}.`)
  },
}
