import type { RuleAnswer } from '../explain/explain-rule.ts'
import type { AnalysedRecord } from '../rule.ts'
import { type CompiledRule, compileRule } from './compile.ts'
import { readDocument } from './documents.ts'
import { Matcher } from './matcher.ts'
import { isMap } from './sigma-rule.ts'

/** Selections of a rule that are named. */
const MAX_NAMED_SELECTIONS = 50
/** Members of a detection that are no selections. */
const NO_SELECTIONS = ['condition', 'timeframe']

/** Whether a selection holds; `unknown` where it asks for what our events do not have. */
type Answer = 'holds' | 'does not hold' | 'is not known'

/**
 * Why a rule is quiet about a record: its condition, and which of its selections hold. Each selection
 * is compiled as a rule of its own, so it says what the rule itself finds.
 *
 * @param text  of a rule that could be read, as it was imported
 */
export function explainSigma(
  text: string,
  { plan }: Pick<CompiledRule, 'plan'>,
  { record }: AnalysedRecord,
): RuleAnswer {
  if (!plan?.eventClass.kinds.includes(record.kind)) return { kind: 'notAsked' }
  const views = plan.eventClass.read(record)
  const rule = readDocument(text)?.value
  const detection = isMap(rule) ? rule.get('detection') : undefined
  if (!isMap(rule) || !isMap(detection)) return { kind: 'notAsked' }
  const names = [...detection.keys()].filter((name) => !NO_SELECTIONS.includes(name))
  const answers = names.slice(0, MAX_NAMED_SELECTIONS).map((name) => {
    const alone = new Map([...rule, ['detection', new Map([...detection, ['condition', name]])]])
    const compiled = compileRule(alone)
    return `${name} ${typeof compiled === 'string' ? 'is not known' : answer(compiled, views)}`
  })
  const condition = `its condition holds: ${JSON.stringify(detection.get('condition') ?? '')}`
  return { kind: 'failed', condition, held: [], state: answers.join(', ') }
}

function answer({ plan }: CompiledRule, views: readonly Parameters<Matcher['match']>[0][]): Answer {
  if (!plan) return 'is not known'
  const matcher = new Matcher([plan.root], plan.eventClass.fields)
  return views.some((view) => matcher.match(view).length > 0) ? 'holds' : 'does not hold'
}
