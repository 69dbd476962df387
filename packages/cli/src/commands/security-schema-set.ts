import { apiOf, type Command, UsageError } from '../command.ts'
import { readJsonObject } from '../read-json.ts'
import { EVENT_SCHEMAS, type EventSchemaView } from './security-schema-list.ts'

export const securitySchemaSet: Command = {
  arguments: [
    { syntax: '<name>', description: 'words with a dot between them, such as acme.DoorOpened' },
  ],
  options: [
    {
      flags: '--schema <json>',
      description: 'JSON Schema of one payload element; @file reads a file',
    },
    { flags: '--description <text>', description: 'for people' },
  ],
  talksTo: 'server',
  details:
    'From then on events with this name are refused when an element does not meet the schema.',
  examples: [
    ['security schema set acme.DoorOpened --schema @door.json', 'adds it or replaces its schema'],
  ],

  async run(input, context) {
    const name = input.argument(0)
    const text = input.text('schema')
    if (text === undefined) throw new UsageError('Give the schema with --schema.')
    const schema = readJsonObject('--schema', text)
    const description = input.text('description')
    const view = await apiOf(input, context).put<EventSchemaView>(
      `${EVENT_SCHEMAS}/${encodeURIComponent(name)}`,
      { schema, ...(description !== undefined && { description }) },
    )
    if (context.out.isJson) context.out.json(view)
    else context.out.print(`Events with the name ${view.name} are judged by this schema now.`)
  },
}
