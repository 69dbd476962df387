import { setImmediate } from 'node:timers/promises'
import { HubError } from '@twinward/protocol'
import type { Clock } from '../../clock.ts'
import { Serial } from '../../serial.ts'
import type { RuleAnswer } from '../explain/explain-rule.ts'
import type { AlertType, AnalysedRecord } from '../rule.ts'
import { sigmaAlertType, sigmaTypeName } from './alert-type.ts'
import { type CompiledRule, compileRule } from './compile.ts'
import { readDocument, splitDocuments } from './documents.ts'
import { explainSigma } from './explain-sigma.ts'
import { MAX_TEXT_CHARACTERS } from './limits.ts'
import { Room } from './room.ts'
import { type Hits, SigmaRuleSet } from './sigma-rule-set.ts'
import type { SigmaStore, StoredSigmaRule } from './sigma-store.ts'

/** A rule with everything that is known about it. */
export interface SigmaRuleView extends CompiledRule {
  readonly stored: StoredSigmaRule
  readonly hits: Hits
}

/** What became, or would become, of one document of an import. */
export interface ImportedDocument {
  /** Counted from 1. */
  readonly document: number
  readonly result: 'added' | 'replaced' | 'unchanged' | 'invalid'
  /** Why it is no rule; only with `invalid`. */
  readonly problem?: string
  readonly compiled?: CompiledRule
}

/** A document of an import by itself: its text, and the rule or what keeps it from being one. */
interface ReadRule {
  readonly text: string
  readonly compiled: CompiledRule | string
}

/** Rules that their authors have given up are off until somebody switches them on. */
const RETIRED = ['deprecated', 'unsupported']

interface Ports {
  readonly sigma: SigmaStore
  readonly clock: Clock
}

interface Known {
  readonly stored: StoredSigmaRule
  readonly compiled: CompiledRule
}

/** The Sigma rules of the hub: kept in the store as texts, and in memory as what they ask. */
export class SigmaRules {
  readonly #ports: Ports
  readonly #changes: Serial
  /** Imports are read one after the other, before their turn among the changes. */
  readonly #reading = new Serial()
  #known: ReadonlyMap<string, Known> = new Map()
  /** Ids by alert type. */
  #types: ReadonlyMap<string, string> = new Map()
  /** What records are judged by; the same object for ever. */
  readonly ruleSet = new SigmaRuleSet()

  /** @param changes  one after the other, as the evaluation of messages is */
  constructor(ports: Ports, changes: Serial) {
    this.#ports = ports
    this.#changes = changes
  }

  /** Reads the rules again, since another version may support more of them. */
  async start(): Promise<void> {
    await this.#changes.run(async () => {
      const known = new Map<string, Known>()
      for (const stored of await this.#ports.sigma.all()) {
        const compiled = readRule(stored.text)?.compiled
        if (typeof compiled === 'object') known.set(stored.id, { stored, compiled })
        await setImmediate()
      }
      this.#take(known)
    })
  }

  /** By title. */
  list(): readonly SigmaRuleView[] {
    return [...this.#known.values()]
      .map((one) => this.#view(one))
      .sort((a, b) => (a.rule.title < b.rule.title ? -1 : 1))
  }

  /** @throws {HubError} `GenericNotFound` */
  find(id: string): SigmaRuleView {
    const found = this.#known.get(id)
    if (!found) throw new HubError('GenericNotFound', `There is no Sigma rule ${id}.`)
    return this.#view(found)
  }

  hasType(alertType: string): boolean {
    return this.#types.has(alertType)
  }

  typeOf(alertType: string): AlertType | undefined {
    const known = this.#known.get(this.#types.get(alertType) ?? '')
    return known && sigmaAlertType(known.compiled.rule)
  }

  /** Why a rule is quiet about a record; `undefined` when no rule has the type. */
  explain(alertType: string, record: AnalysedRecord): RuleAnswer | undefined {
    const known = this.#known.get(this.#types.get(alertType) ?? '')
    if (!known) return undefined
    const { stored, compiled } = known
    if (!stored.isEnabled) return { kind: 'failed', condition: 'the rule is enabled', held: [] }
    return explainSigma(stored.text, compiled, record)
  }

  /** What an import would do. @throws {HubError} as `import` does */
  async check(yaml: string): Promise<readonly ImportedDocument[]> {
    const read = this.#compare(await this.#read(yaml))
    this.#checkRoom(read)
    return read.map(({ imported }) => imported)
  }

  /**
   * Keeps the rules of a YAML stream, supported or not; those with a known id are replaced, and
   * stay on or off. A document that is no rule is named and does not stop the others. The same
   * import again changes nothing. Records are judged by the new rules when the promise resolves.
   *
   * @throws {HubError} `ArgumentInvalid` for what is too large, and for a name of a source that is too
   *   long; `IotHubQuotaExceeded` for more than there is room for, and then nothing is kept
   */
  async import(yaml: string, source: string, by: string): Promise<readonly ImportedDocument[]> {
    if (source.length > MAX_TEXT_CHARACTERS) {
      throw new HubError('ArgumentInvalid', `source has at most ${MAX_TEXT_CHARACTERS} characters.`)
    }
    const rules = await this.#read(yaml)
    return this.#changes.run(async () => {
      const read = this.#compare(rules)
      this.#checkRoom(read)
      const changedMs = this.#ports.clock.now()
      const changed = read.flatMap(({ text, imported: { compiled, result } }) => {
        if (!compiled) return []
        const { id, status } = compiled.rule
        const before = this.#known.get(id)?.stored
        if (result === 'unchanged' && before?.source === source) return []
        const isEnabled = before?.isEnabled ?? !RETIRED.includes(status)
        const stored = { id, text, source, isEnabled, changedMs, changedBy: by }
        return [[id, { stored, compiled }] as const]
      })
      await this.#put(changed)
      return read.map(({ imported }) => imported)
    })
  }

  /** @throws {HubError} `GenericNotFound` */
  async setEnabled(id: string, isEnabled: boolean, by: string): Promise<SigmaRuleView> {
    return this.#changes.run(async () => {
      const { stored, hits: _, ...compiled } = this.find(id)
      const changedMs = this.#ports.clock.now()
      if (stored.isEnabled !== isEnabled) {
        const changed = { ...stored, isEnabled, changedMs, changedBy: by }
        await this.#put([[id, { stored: changed, compiled }]])
      }
      return this.find(id)
    })
  }

  /** Removing nothing is no error. */
  async remove(id: string): Promise<void> {
    await this.#removeThose((stored) => stored.id === id)
  }

  /** Forgets what came with imports of this name. @returns how many there were */
  async removeSource(source: string): Promise<number> {
    return this.#removeThose((stored) => stored.source === source)
  }

  #removeThose(isMeant: (stored: StoredSigmaRule) => boolean): Promise<number> {
    return this.#changes.run(async () => {
      const gone = [...this.#known].filter(([, { stored }]) => isMeant(stored)).map(([id]) => id)
      if (gone.length === 0) return 0
      await this.#ports.sigma.remove(gone)
      const kept = [...this.#known].filter(([id]) => !gone.includes(id))
      this.#take(new Map(kept))
      return gone.length
    })
  }

  async #put(changed: readonly (readonly [string, Known])[]): Promise<void> {
    if (changed.length === 0) return
    await this.#ports.sigma.put(changed.map(([, { stored }]) => stored))
    this.#take(new Map([...this.#known, ...changed]))
  }

  #take(known: ReadonlyMap<string, Known>): void {
    this.#known = known
    this.#types = new Map([...known.keys()].map((id) => [sigmaTypeName(id), id]))
    const enabled = [...known.values()].filter(({ stored }) => stored.isEnabled)
    this.ruleSet.replace(enabled.map(({ compiled }) => compiled))
  }

  #view({ stored, compiled }: Known): SigmaRuleView {
    return { ...compiled, stored, hits: this.ruleSet.hitsOf(stored.id) }
  }

  /** Others have their turn between any two documents: each may take some 200 ms. */
  #read(yaml: string): Promise<readonly ReadRule[]> {
    return this.#reading.run(async () => {
      const rules: ReadRule[] = []
      const room = new Room()
      for (const text of splitDocuments(yaml)) {
        const rule = readRule(text)
        await setImmediate()
        if (rule === undefined) continue
        rules.push(rule)
        // What is too much by itself is not read to its end.
        if (typeof rule.compiled === 'object') room.add(rule.compiled, rule.text)
      }
      return rules
    })
  }

  #compare(rules: readonly ReadRule[]) {
    const seen = new Set<string>()
    return rules.map(({ text, compiled }, at) => {
      const document = at + 1
      const invalid = (why: string): ImportedDocument => ({
        ...{ document, result: 'invalid', problem: why },
      })
      if (typeof compiled === 'string') return { text, imported: invalid(compiled) }
      const { id } = compiled.rule
      if (seen.has(id)) return { text, imported: invalid(`The id ${id} was given before.`) }
      seen.add(id)
      const before = this.#known.get(id)?.stored
      const result = !before ? 'added' : before.text === text ? 'unchanged' : 'replaced'
      const imported: ImportedDocument = { document, result, compiled }
      return { text, imported }
    })
  }

  /** @throws {HubError} `IotHubQuotaExceeded` when not all of them could be kept */
  #checkRoom(read: readonly { readonly text: string; readonly imported: ImportedDocument }[]) {
    const next = new Map<string, { readonly text: string; readonly compiled: CompiledRule }>()
    for (const [id, { stored, compiled }] of this.#known) {
      next.set(id, { text: stored.text, compiled })
    }
    for (const { text, imported } of read) {
      const { compiled } = imported
      if (compiled) next.set(compiled.rule.id, { text, compiled })
    }
    const room = new Room()
    for (const { text, compiled } of next.values()) room.add(compiled, text)
  }
}

function readRule(given: string): ReadRule | undefined {
  const document = readDocument(given)
  if (document === undefined) return undefined
  const { text, value = null, problem } = document
  return { text, compiled: problem ?? compileRule(value) }
}
