import { apiOf, type Command, nextCommand } from '../command.ts'
import { CONFIGURATIONS_PATH, type ConfigurationView, countOf, kindOf } from '../configuration.ts'
import { shorten } from '../output.ts'

/** Characters of a target condition in the table. */
const MAX_CONDITION_CHARACTERS = 60

export const configurationList: Command = {
  talksTo: 'server',
  details:
    'TARGETED is how many twins meet the condition, APPLIED how many hold the content; a dash: not\n' +
    'counted yet.',
  examples: [
    ['configuration list', 'a table'],
    ['configuration list --json', 'whole documents, for a program'],
  ],

  async run(input, context) {
    const { out } = context
    const api = apiOf(input, context)
    const all = await api.get<readonly ConfigurationView[]>(CONFIGURATIONS_PATH)
    if (out.isJson) {
      out.json(all)
      return
    }
    if (all.length === 0) {
      const next = nextCommand(input, context, 'configuration create --help')
      out.note(`No configurations yet. How to create one: ${next}`)
      return
    }
    out.table(
      ['ID', 'FOR', 'PRIORITY', 'TARGETED', 'APPLIED', 'TARGET'],
      all.map((each) => [
        each.id,
        kindOf(each),
        String(each.priority),
        countOf(each, 'targetedCount'),
        countOf(each, 'appliedCount'),
        shorten(each.targetCondition || '(none)', MAX_CONDITION_CHARACTERS),
      ]),
    )
  },
}
