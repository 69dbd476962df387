import { apiOf, type Command } from '../command.ts'
import { at, DEAD_LETTERS } from '../notification.ts'

export const securityNotifyDeadLettersRetry: Command = {
  arguments: [{ syntax: '<id...>', description: 'of `security notify dead-letters`' }],
  talksTo: 'server',
  examples: [
    ['security notify dead-letters retry 6f3c0a52-30a1-4c6d-8e52-9d1f6a7b0c11', 'send it again'],
  ],

  async run(input, context) {
    const ids = input.rest()
    const api = apiOf(input, context)
    for (const id of ids) await api.post(`${at(DEAD_LETTERS, id)}/retry`, undefined)
    if (context.out.isJson) return context.out.json({ ids })
    context.out.print(`Queued ${ids.length} again.`)
  },
}
