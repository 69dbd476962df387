import { apiOf, type Command } from '../command.ts'
import { describeProblems, describeSummary, readRuleFiles, SIGMA, sendRules } from '../sigma.ts'

export const securitySigmaCheck: Command = {
  arguments: [{ syntax: '<files...>', description: 'YAML files, or folders with them' }],
  talksTo: 'server',
  details: 'Says what of the rules would be supported, and why the rest is not. Imports nothing.',
  examples: [['security sigma check rules/linux', 'before an import']],

  async run(input, context) {
    const files = await readRuleFiles(input.rest())
    const answer = await sendRules(apiOf(input, context), `${SIGMA}/check`, files, undefined)
    const { out } = context
    if (out.isJson) return out.json(answer)
    for (const line of describeProblems(answer.items)) out.print(line)
    out.print(describeSummary(answer.summary))
    if (answer.invalid > 0) out.print(`Not Sigma rules: ${answer.invalid}.`)
  },
}
