import { HubError, type JsonObject } from '@twinward/protocol'
import type { Entry } from '../registry/registry.ts'
import type { Expression, Query, Source } from '../twins/query/ast.ts'
import { matches } from '../twins/query/evaluate.ts'
import { parseCondition } from '../twins/query/parse-query.ts'
import type { ContentKind } from './configuration.ts'

/** Which twins a configuration is for. */
export interface Target {
  readonly source: Exclude<Source, 'devices.jobs'>
  /** `none`: an empty condition. */
  readonly where: Expression | 'all' | 'none'
  /** The properties that it reads, as keys from the root of a twin. */
  readonly reads: readonly (readonly string[])[]
}

const FROM_MODULES = /^\s*FROM\s+devices\s*\.\s*modules\s+WHERE\s/i
const NOTHING = 'none'

/**
 * Reads a target condition (08 §2): nothing, `*`, an expression over devices, or `FROM devices.modules
 * WHERE` and one over modules.
 *
 * @param kind  of the content; `undefined`: not known, either form is taken
 * @throws {HubError} `InvalidConfigurationTargetCondition` that says where it is wrong
 */
export function readTarget(condition: string, kind?: ContentKind): Target {
  const isOfModules = FROM_MODULES.test(condition)
  const source = kind === 'moduleContent' || isOfModules ? 'devices.modules' : 'devices'
  if (condition.trim() === '') return { source, where: NOTHING, reads: [] }
  if (kind === 'moduleContent' && !isOfModules) {
    throw invalid('moduleContent needs a condition FROM devices.modules WHERE …')
  }
  if (kind !== undefined && kind !== 'moduleContent' && isOfModules) {
    throw invalid(`${kind} is for devices, not FROM devices.modules.`)
  }
  if (condition.trim() === '*') return { source, where: 'all', reads: [] }
  const where = parse(condition.replace(FROM_MODULES, ''), source)
  const reads = pathsIn(where)
  for (const keys of reads) checkPath(keys, source)
  return { source, where, reads }
}

function parse(text: string, source: Source): Expression {
  try {
    return parseCondition(text, source)
  } catch (error) {
    if (error instanceof HubError) throw invalid(error.message)
    throw error
  }
}

function checkPath(keys: readonly string[], source: Source): void {
  const [first = '', second = '', third = ''] = keys
  const isId = first === 'deviceId' || (first === 'moduleId' && source === 'devices.modules')
  const isReported = first === 'properties' && second === 'reported'
  if (!isId && first !== 'tags' && !isReported) {
    throw invalid(
      `A target condition reads deviceId, tags and properties.reported, not ${keys.join('.').slice(0, 128)}.`,
    )
  }
  if (isReported && (third === '$metadata' || third === '$version')) {
    throw invalid(`A target condition cannot read ${third}.`)
  }
}

function pathsIn(expression: Expression): readonly (readonly string[])[] {
  switch (expression.kind) {
    case 'literal':
      return []
    case 'path':
      return [expression.keys]
    case 'and':
    case 'or':
      return expression.terms.flatMap(pathsIn)
    case 'not':
    case 'in':
    case 'nin':
      return pathsIn(expression.of)
    case 'compare':
      return [...pathsIn(expression.left), ...pathsIn(expression.right)]
    case 'call':
      return expression.args.flatMap(pathsIn)
  }
}

/** Whether a twin meets the condition; it must be of the target's source. */
export function isTarget({ where }: Target, { ref, twin }: Entry): boolean {
  if (where === NOTHING) return false
  if (where === 'all') return true
  const document: JsonObject = {
    ...ref,
    tags: twin.tags,
    properties: { reported: twin.reported.values },
  }
  return matches(where, document)
}

/** The query that finds the target's twins; `undefined` when there can be none. */
export function targetQuery({ source, where }: Target): Query | undefined {
  if (where === NOTHING) return undefined
  const select = (source === 'devices' ? ['deviceId'] : ['deviceId', 'moduleId']).map((name) => ({
    name,
    value: { kind: 'path' as const, keys: [name] },
  }))
  return { source, select, ...(where !== 'all' && { where }) }
}

/** The query that finds the twins that have to do with a configuration. */
export function holdersQuery(
  configurationId: string,
  source: Exclude<Source, 'devices.jobs'>,
): Query {
  const path = (keys: readonly string[]) => ({ kind: 'path' as const, keys })
  const names = source === 'devices' ? ['deviceId'] : ['deviceId', 'moduleId']
  return {
    source,
    select: names.map((name) => ({ name, value: path([name]) })),
    where: { kind: 'call', name: 'IS_DEFINED', args: [path(['configurations', configurationId])] },
  }
}

function invalid(message: string): HubError {
  return new HubError('InvalidConfigurationTargetCondition', message)
}
