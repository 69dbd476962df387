import { apiOf, type Command } from '../command.ts'
import { at, DEAD_LETTERS } from '../notification.ts'

export const securityNotifyDeadLettersDiscard: Command = {
  arguments: [{ syntax: '<id...>', description: 'of `security notify dead-letters`' }],
  talksTo: 'server',
  examples: [
    ['security notify dead-letters discard 6f3c0a52-30a1-4c6d-8e52-9d1f6a7b0c11', 'forget it'],
  ],

  async run(input, context) {
    const ids = input.rest()
    const api = apiOf(input, context)
    for (const id of ids) await api.delete(at(DEAD_LETTERS, id))
    if (context.out.isJson) return context.out.json({ ids })
    context.out.print(`Discarded ${ids.length}.`)
  },
}
