import type { JsonValue } from '@twinward/protocol'
import { apiOf, type Command } from '../command.ts'
import { formatJson } from '../output.ts'

export const query: Command = {
  arguments: [{ syntax: '<query>', description: 'in the query language of IoT Hub, quoted' }],
  talksTo: 'server',
  examples: [
    ['query "SELECT * FROM devices WHERE tags.site = \'north\'"', 'devices by a tag'],
    ['query "SELECT COUNT() AS n FROM devices" --json', 'for a program'],
  ],

  async run(input, context) {
    const body = { query: input.argument(0) }
    const rows = await apiOf(input, context).post<readonly JsonValue[]>('/devices/query', body)
    if (context.out.isJson) context.out.json(rows)
    else if (rows.length === 0) context.out.note('Nothing matches.')
    else for (const row of rows) context.out.print(formatJson(row))
  },
}
