import type { JsonObject } from '@twinward/protocol'
import { apiOf, type Command, type Input, nextCommand, UsageError } from '../command.ts'
import {
  CONTENT_HELP,
  type ConfigurationView,
  configurationPath,
  readContent,
  readSettings,
  SETTING_OPTIONS,
} from '../configuration.ts'
import { readJsonObject } from '../read-json.ts'

export const configurationCreate: Command = {
  arguments: [{ syntax: '<id>', description: "lower-case letters, digits and - + % _ * ! '" }],
  options: [
    { flags: '--content <json>', description: 'what to set; @file reads a file' },
    ...SETTING_OPTIONS,
    {
      flags: '--file <file>',
      description: 'the whole document as JSON; other options win over it',
    },
  ],
  talksTo: 'server',
  details: `${CONTENT_HELP}\nWithout --target it applies to nothing.`,
  examples: [
    [
      `configuration create fast --content '{"properties.desired.interval":5}' --target "tags.site = 'b43'"`,
      'one property of the devices of a site',
    ],
    [
      `configuration create agents --content @agent.json --target "FROM devices.modules WHERE moduleId = 'azureiotsecurity'" --priority 10`,
      'of every security module',
    ],
    ['configuration create edge --file deployment.json', 'a document that is there already'],
  ],

  async run(input, context) {
    const id = input.argument(0)
    const body = readDocument(id, input)
    const path = configurationPath(id)
    const created = await apiOf(input, context).put<ConfigurationView>(path, body)
    const { out } = context
    if (out.isJson) out.json(created)
    else {
      out.print(`Created configuration ${id}; its targets get it now.`)
      out.note(`How far it is: ${nextCommand(input, context, `configuration show ${id}`)}`)
    }
  },
}

function readDocument(id: string, input: Input): JsonObject {
  const file = input.text('file')
  const content = input.text('content')
  if (file === undefined && content === undefined) {
    throw new UsageError('Nothing to set: give --content or --file.')
  }
  const { etag: _, ...given } = file === undefined ? {} : readJsonObject('--file', `@${file}`)
  const document: JsonObject = { ...given, ...readSettings(input), id }
  if (content === undefined) return document
  const target = String(document.targetCondition ?? '')
  return { ...document, content: readContent(content, target) }
}
