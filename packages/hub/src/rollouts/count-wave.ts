import type { Registry } from '../registry/registry.ts'
import type { Expression, Query } from '../twins/query/ast.ts'
import { parseCondition } from '../twins/query/parse-query.ts'
import type { Rollout, WaveCounts } from './rollout.ts'
import { sourceOf } from './targets.ts'

/**
 * How a wave does: how many of its twins hold the configuration, and how many of those are well or not.
 *
 * @param wave  from 0; `undefined`: all waves so far, with the twins that refuse the configuration, for
 *   it is not known of which wave those are
 */
export async function countWave(
  registry: Pick<Registry, 'query'>,
  { configurationId, configuration, rules }: Rollout,
  wave: number | undefined,
): Promise<WaveCounts> {
  const source = sourceOf(configuration)
  const held: Expression[] = [
    equals(['configurations', configurationId, 'status'], 'Applied'),
    ...(wave === undefined ? [] : [equals(['configurations', configurationId, 'wave'], wave)]),
  ]
  const count = async (condition?: string) => {
    const terms = condition === undefined ? held : [...held, parseCondition(condition, source)]
    return countOf(registry, { source, select: COUNT, where: { kind: 'and', terms } })
  }
  const { success, failure } = rules
  const [applied, succeeded, failed, refused] = await Promise.all([
    count(),
    success === undefined ? undefined : count(success),
    failure === undefined ? 0 : count(failure),
    wave === undefined
      ? countOf(registry, { source, select: COUNT, where: refuses(configurationId) })
      : 0,
  ])
  return {
    applied: applied + refused,
    succeeded: succeeded ?? applied - failed,
    failed: failed + refused,
  }
}

function refuses(configurationId: string): Expression {
  const keys = ['configurations', configurationId, 'error']
  return { kind: 'call', name: 'IS_DEFINED', args: [{ kind: 'path', keys }] }
}

const COUNT = [{ name: 'n', value: { kind: 'aggregate', name: 'COUNT' } }] as const

async function countOf(registry: Pick<Registry, 'query'>, query: Query): Promise<number> {
  const [row = '{}'] = (await registry.query(query, { limit: 1 })).rows
  return Number((JSON.parse(row) as { n?: number }).n ?? 0)
}

function equals(keys: readonly string[], value: string | number): Expression {
  return {
    kind: 'compare',
    operator: '=',
    left: { kind: 'path', keys },
    right: { kind: 'literal', value },
  }
}
