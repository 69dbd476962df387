import type { GroupRules } from '../../groups/security-group.ts'
import type { Rule } from '../rule.ts'
import { allowlistRule, denylistRule } from './list-rules.ts'
import { thresholdRule } from './threshold-rules.ts'

/**
 * The enabled rules of a group that a single record decides: lists and thresholds. Rules on time
 * windows are not among them, since no record tells that a window is over. Pure.
 *
 * @param rules  as `readGroup` gives them: values canonical
 */
export function compileRules(rules: GroupRules): readonly Rule[] {
  return [
    ...rules.allowlistRules.filter(isEnabled).map(allowlistRule),
    ...rules.denylistRules.filter(isEnabled).map(denylistRule),
    ...rules.thresholdRules.filter(isEnabled).map(thresholdRule),
  ]
}

function isEnabled(rule: { readonly isEnabled: boolean }): boolean {
  return rule.isEnabled
}
