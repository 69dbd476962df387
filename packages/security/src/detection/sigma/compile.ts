import { HubError } from '@twinward/protocol'
import { certainly, type Plan } from './certain.ts'
import { type Node, UNKNOWN } from './check.ts'
import { type Condition, parseCondition } from './condition.ts'
import type { YamlValue } from './documents.ts'
import { classOf, type EventClass } from './event-class.ts'
import { type Reading, readItem } from './item.ts'
import { MAX_RULE_WORK, MAX_VALUES } from './limits.ts'
import { type Reason, Reasons } from './reasons.ts'
import { isList, isMap, readSigmaRule, type SigmaRule } from './sigma-rule.ts'

/** Whether a rule is judged, cannot be, or is for other systems. */
export type Support = 'supported' | 'unsupported' | 'notApplicable'

/** A rule, read and judged. */
export interface CompiledRule {
  readonly rule: SigmaRule
  readonly support: Support
  /** Why it is not supported; empty when it is. */
  readonly reasons: readonly Reason[]
  /** What of it is left out, for a person. */
  readonly notes: readonly string[]
  /** Present when it is supported. */
  readonly plan?: { readonly eventClass: EventClass; readonly root: Plan }
}

/** Members of a detection that are no selections. */
const NO_SELECTIONS = ['condition', 'timeframe']

/** @returns the rule with what of it can be used, or what keeps the document from being one */
export function compileRule(document: YamlValue): CompiledRule | string {
  const rule = readSigmaRule(document)
  if (typeof rule === 'string') return rule
  const other = otherKind(rule)
  if (other) return unsupported(rule, [other])
  const found = classOf(rule.logsource)
  if ('notApplicable' in found) {
    const reason: Reason = { code: 'logsource', text: `${sentence(found.notApplicable)}` }
    return { rule, support: 'notApplicable', reasons: [reason], notes: [] }
  }
  if ('missing' in found) {
    return unsupported(rule, [{ code: 'logsource', text: sentence(found.missing) }])
  }
  return compileDetection(rule, found.eventClass)
}

function otherKind({ others }: SigmaRule): Reason | undefined {
  if (others.includes('correlation')) {
    return { code: 'correlation', text: 'Correlations of several events are not judged.' }
  }
  if (others.length === 0) return undefined
  return { code: 'correlation', text: `A document with "${others[0]}" is no rule by itself.` }
}

function compileDetection(rule: SigmaRule, eventClass: EventClass): CompiledRule {
  const reasons = new Reasons()
  const reading: Reading = {
    eventClass,
    reasons,
    absent: new Set(),
    values: 0,
    workLeft: MAX_RULE_WORK,
  }
  const node = readDetection(rule.detection ?? new Map(), reading)
  const absent = [...reading.absent].map(
    (name) => `${name} is not in our ${eventClass.name} events`,
  )
  const root = certainly(node)
  if (reasons.list.length === 0 && root.kind === 'constant') {
    if (absent.length === 0) {
      reasons.add('condition', `The condition is ${root.value ? 'always' : 'never'} true.`)
    }
    for (const each of absent) reasons.add('field', `${each}.`)
  }
  if (reasons.list.length > 0) return unsupported(rule, reasons.list)
  const notes = absent.map((each) => `${each}: it fires only where that makes no difference.`)
  return { rule, support: 'supported', reasons: [], notes, plan: { eventClass, root } }
}

function unsupported(rule: SigmaRule, reasons: readonly Reason[]): CompiledRule {
  return { rule, support: 'unsupported', reasons, notes: [] }
}

/** A selection, read, and how many values it asks for. */
interface Selection {
  readonly node: Node
  readonly values: number
}

function readDetection(detection: ReadonlyMap<string, YamlValue>, reading: Reading): Node {
  const selections = new Map<string, Selection>()
  for (const [name, value] of detection) {
    if (NO_SELECTIONS.includes(name)) continue
    const node = readSelection(value, reading)
    selections.set(name, { node, values: valuesIn(node) })
  }
  const given = detection.get('condition')
  const conditions = isList(given) ? given : [given]
  const reader = new ConditionReader(selections, reading.reasons)
  return { kind: 'or', of: conditions.map((one) => reader.read(one)) }
}

function valuesIn(node: Node): number {
  if (node.kind === 'not') return valuesIn(node.of)
  if (node.kind === 'check' || node.kind === 'unknown') return 1
  return node.of.reduce((sum, each) => sum + valuesIn(each), 0)
}

class ConditionReader {
  readonly #selections: ReadonlyMap<string, Selection>
  readonly #names: readonly string[]
  readonly #reasons: Reasons
  /** Of the selections that were named so far, each as often as it was. */
  #values = 0

  constructor(selections: ReadonlyMap<string, Selection>, reasons: Reasons) {
    this.#selections = selections
    this.#names = [...selections.keys()]
    this.#reasons = reasons
  }

  read(condition: YamlValue | undefined): Node {
    const reasons = this.#reasons
    if (typeof condition !== 'string') {
      reasons.add('condition', 'The rule has no condition.')
      return UNKNOWN
    }
    if (/\||\bnear\b/.test(condition)) {
      reasons.add('aggregation', 'Conditions that count events ("|") are not judged.')
      return UNKNOWN
    }
    try {
      return this.#withSelections(parseCondition(condition, this.#names))
    } catch (error) {
      if (!(error instanceof HubError)) throw error
      reasons.add('condition', error.message)
      return UNKNOWN
    }
  }

  #withSelections(condition: Condition): Node {
    switch (condition.kind) {
      case 'selection':
        return this.#named(condition.name)
      case 'not':
        return { kind: 'not', of: this.#withSelections(condition.of) }
      default:
        return { kind: condition.kind, of: condition.of.map((one) => this.#withSelections(one)) }
    }
  }

  #named(name: string): Node {
    const { node, values } = this.#selections.get(name) ?? { node: UNKNOWN, values: 0 }
    this.#values += values
    if (this.#values <= MAX_VALUES) return node
    this.#reasons.add('limit', `The condition asks for more than ${MAX_VALUES} values.`)
    return UNKNOWN
  }
}

/** A map: all of it; a list: one of it; a text: found in any field. */
function readSelection(value: YamlValue, reading: Reading): Node {
  if (isMap(value)) {
    const of = [...value].map(([key, each]) => readItem(key, each, reading))
    if (of.length > 0) return { kind: 'and', of }
  } else if (isList(value)) {
    const of = value.map((each) => readSelection(each, reading))
    if (of.length > 0) return { kind: 'or', of }
  } else if (value !== null && value !== '') {
    return readItem('', value, reading)
  }
  reading.reasons.add('value', 'A selection is empty.')
  return UNKNOWN
}

function sentence(clause: string): string {
  return `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`
}
