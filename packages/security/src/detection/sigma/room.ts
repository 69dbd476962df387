import { HubError } from '@twinward/protocol'
import type { Plan } from './certain.ts'
import { type Check, checkKey } from './check.ts'
import type { CompiledRule } from './compile.ts'
import {
  MAX_ALL_VALUES,
  MAX_AUTOMATA,
  MAX_LITERAL_CHARACTERS,
  MAX_RULES,
  MAX_TOTAL_BYTES,
} from './limits.ts'
import { literalsOf } from './needs.ts'

/** What rules take of what there is for all of them together. */
export class Room {
  #rules = 0
  #bytes = 0
  #values = 0
  #characters = 0
  readonly #automata = new Set<string>()
  readonly #literals = new Set<string>()

  /** @throws {HubError} `IotHubQuotaExceeded` when there is no room for one more */
  add({ plan }: CompiledRule, text: string): void {
    this.#rules++
    this.#bytes += Buffer.byteLength(text)
    if (plan) this.#addPlan(plan.root, plan.eventClass.name)
    checkQuota(this.#rules, MAX_RULES, 'Sigma rules')
    checkQuota(this.#bytes, MAX_TOTAL_BYTES, 'bytes of Sigma rules')
    checkQuota(this.#values, MAX_ALL_VALUES, 'values of Sigma rules')
    checkQuota(this.#characters, MAX_LITERAL_CHARACTERS, 'characters in values of Sigma rules')
    const what = 'regular expressions and inner wildcards of Sigma rules'
    checkQuota(this.#automata.size, MAX_AUTOMATA, what)
  }

  #addPlan(plan: Plan, eventClass: string): void {
    if (plan.kind === 'check') this.#addCheck(plan.check, eventClass)
    else if (plan.kind !== 'constant') for (const each of plan.of) this.#addPlan(each, eventClass)
  }

  #addCheck(check: Check, eventClass: string): void {
    this.#values++
    // Each automaton may have to read its field.
    if (check.op === 'automaton') this.#automata.add(`${eventClass} ${checkKey(check)}`)
    for (const { text } of literalsOf(check) ?? []) {
      const key = `${eventClass} ${text}`
      if (!this.#literals.has(key)) this.#characters += text.length
      this.#literals.add(key)
    }
  }
}

function checkQuota(count: number, limit: number, what: string): void {
  if (count <= limit) return
  throw new HubError('IotHubQuotaExceeded', `At most ${limit} ${what} can be kept, not ${count}.`)
}
