import { apiOf, type Command, UsageError } from '../command.ts'
import { INDICATORS } from '../indicator.ts'

export const securityIndicatorDelete: Command = {
  arguments: [{ syntax: '[id]', description: 'of `security indicator list`' }],
  options: [{ flags: '--source <name>', description: 'every indicator of this list' }],
  talksTo: 'server',
  examples: [
    ['security indicator delete 5d41402abc4b2a76', 'one that was wrong'],
    ['security indicator delete --source abuse-list', 'a whole list'],
  ],

  async run(input, context) {
    const id = input.argument(0)
    const source = input.text('source')
    if ((id === '') === (source === undefined)) {
      throw new UsageError('Give either an id or --source.')
    }
    const api = apiOf(input, context)
    if (source === undefined) await api.delete(`${INDICATORS}/${encodeURIComponent(id)}`)
    else await api.delete(`${INDICATORS}?source=${encodeURIComponent(source)}`)
    if (context.out.isJson) return context.out.json(source === undefined ? { id } : { source })
    const what = source === undefined ? `the indicator ${id}` : `the list ${source}`
    context.out.print(`Forgot ${what}.`)
  },
}
