import { apiOf, type Command } from '../command.ts'
import { formatFields, formatTime, printable } from '../output.ts'
import { SIGMA, type SigmaView } from '../sigma.ts'

interface WholeRule extends SigmaView {
  readonly description: string
  readonly author: string
  readonly intent: string
  readonly techniques: readonly string[]
  readonly falsePositives: readonly string[]
  readonly yaml: string
}

export const securitySigmaShow: Command = {
  arguments: [{ syntax: '<id>', description: 'of `security sigma list`' }],
  options: [{ flags: '--yaml', description: 'its text alone, as it was imported' }],
  talksTo: 'server',
  examples: [['security sigma show tw-0001', 'with what of it is not supported']],

  async run(input, context) {
    const path = `${SIGMA}/${encodeURIComponent(input.argument(0))}`
    const rule = await apiOf(input, context).get<WholeRule>(path)
    const { out } = context
    if (out.isJson) return out.json(rule)
    if (input.isSet('yaml')) return out.print(rule.yaml.split('\n').map(printable).join('\n'))
    const texts = [...rule.reasons.map(({ text }) => text), ...rule.notes]
    out.print(
      formatFields([
        ['Title', printable(rule.title)],
        ['Alert type', rule.alertType],
        ['Severity', rule.severity],
        ['Status', rule.status],
        ...texts.map((text) => ['', printable(text)] as const),
        ['Enabled', rule.isEnabled ? 'yes' : 'no'],
        ['Intent', rule.intent],
        ['Techniques', rule.techniques.join(', ')],
        ['Author', printable(rule.author)],
        ['Collection', printable(rule.source)],
        ['Matches', String(rule.matchCount)],
        ['Last match', formatTime(rule.lastMatchUtc)],
        ['Description', printable(rule.description)],
        ['False positives', printable(rule.falsePositives.join('; '))],
      ]),
    )
  },
}
