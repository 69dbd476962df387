import { apiOf, type Command, UsageError } from '../command.ts'
import { SIGMA } from '../sigma.ts'

export const securitySigmaDelete: Command = {
  arguments: [{ syntax: '[id]', description: 'of `security sigma list`' }],
  options: [{ flags: '--source <name>', description: 'every rule of this collection' }],
  talksTo: 'server',
  details: 'Alerts that a rule has raised stay.',
  examples: [
    ['security sigma delete tw-0001', 'one rule'],
    ['security sigma delete --source my-rules', 'a whole collection'],
  ],

  async run(input, context) {
    const id = input.argument(0)
    const source = input.text('source')
    if ((id === '') === (source === undefined)) {
      throw new UsageError('Give either an id or --source.')
    }
    const api = apiOf(input, context)
    const { out } = context
    if (source === undefined) {
      await api.delete(`${SIGMA}/${encodeURIComponent(id)}`)
      return out.isJson ? out.json({ id }) : out.print(`Forgot the Sigma rule ${id}.`)
    }
    const query = `source=${encodeURIComponent(source)}`
    const { removed } = await api.delete<{ readonly removed: number }>(`${SIGMA}?${query}`)
    if (out.isJson) return out.json({ source, removed })
    out.print(`Forgot ${removed} Sigma rules of ${source}.`)
  },
}
