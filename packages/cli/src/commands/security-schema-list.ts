import type { JsonObject } from '@twinward/protocol'
import { apiOf, type Command } from '../command.ts'
import { formatTime, printable } from '../output.ts'

export interface EventSchemaView {
  readonly name: string
  readonly description: string
  readonly schema: JsonObject
  readonly changedUtc: string | null
  readonly changedBy: string
}

export const EVENT_SCHEMAS = '/api/security/event-schemas'

export const securitySchemaList: Command = {
  talksTo: 'server',
  examples: [['security schema list', 'the custom events that this hub knows']],

  async run(input, context) {
    const list = await apiOf(input, context).get<{ readonly items: readonly EventSchemaView[] }>(
      EVENT_SCHEMAS,
    )
    const { out } = context
    if (out.isJson) return out.json(list)
    if (list.items.length === 0) return out.print('No schemas of custom events.')
    out.table(
      ['NAME', 'CHANGED', 'BY', 'DESCRIPTION'],
      list.items.map(({ name, changedUtc, changedBy, description }) => {
        return [name, formatTime(changedUtc), changedBy, printable(description)]
      }),
    )
  },
}
