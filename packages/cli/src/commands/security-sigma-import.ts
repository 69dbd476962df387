import { apiOf, type Command } from '../command.ts'
import { describeProblems, describeSummary, readRuleFiles, SIGMA, sendRules } from '../sigma.ts'

export const securitySigmaImport: Command = {
  arguments: [{ syntax: '<files...>', description: 'YAML files, or folders with them' }],
  options: [{ flags: '--source <name>', description: 'the name of the collection' }],
  talksTo: 'server',
  details:
    'Standard Sigma rules. All of them are kept, so that a later version may support more; what is\n' +
    'not supported is counted with the reason. A rule with a known id is replaced and stays on or\n' +
    'off. They are judged at once. Nothing is fetched: the files are all that the hub gets.',
  examples: [
    ['security sigma import rules/linux --source my-rules', 'every file below a folder'],
    ['security sigma import one.yml two.yml', 'some files'],
  ],

  async run(input, context) {
    const files = await readRuleFiles(input.rest())
    const answer = await sendRules(apiOf(input, context), SIGMA, files, input.text('source'))
    const { out } = context
    if (out.isJson) return out.json(answer)
    const { added, replaced, unchanged, invalid } = answer
    out.print(`Imported: ${added} new, ${replaced} replaced, ${unchanged} unchanged.`)
    out.print(describeSummary(answer.summary))
    if (invalid === 0) return
    const wrong = answer.items.filter(({ problem }) => problem !== null)
    out.print(`Not Sigma rules: ${invalid}.`)
    for (const line of describeProblems(wrong)) out.print(`  ${line}`)
  },
}
