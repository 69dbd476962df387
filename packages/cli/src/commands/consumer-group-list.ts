import { apiOf, type Command } from '../command.ts'
import { formatTime } from '../output.ts'

interface ConsumerGroup {
  readonly name: string
  /** `null`: it always exists. */
  readonly createdTimeUtc: string | null
}

export const consumerGroupList: Command = {
  talksTo: 'server',
  examples: [['consumer-group list', 'a table']],

  async run(input, context) {
    const path = '/api/events/consumer-groups'
    const { value } = await apiOf(input, context).get<{ value: readonly ConsumerGroup[] }>(path)
    if (context.out.isJson) context.out.json(value)
    else {
      context.out.table(
        ['NAME', 'CREATED'],
        value.map(({ name, createdTimeUtc }) => [
          name,
          createdTimeUtc === null ? 'always there' : formatTime(createdTimeUtc),
        ]),
      )
    }
  },
}
