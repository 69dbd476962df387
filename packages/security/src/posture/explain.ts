import { type CheckState, type DeviceBaseline, openChecks } from '../baseline/baseline.ts'
import { countedWith } from '../baseline/counts.ts'
import { titleOf } from '../baseline/titles.ts'
import {
  alertWeight,
  checkWeight,
  isFresh,
  isOpenAlert,
  partValues,
  recommendationWeight,
  SCORE_PARTS,
  type ScoreInput,
  type ScorePart,
} from './score.ts'

/** Things named of each part; the others are added up. */
export const MAX_LOSSES = 20
/** All figures are exact to so many parts of a point. */
const PARTS_OF_A_POINT = 100

export interface ExplainInput extends ScoreInput {
  /** What `baseline` was counted from. */
  readonly baselines: readonly DeviceBaseline[]
}

/** One thing that costs points. */
export interface Loss {
  readonly kind: 'check' | 'recommendation' | 'alert' | 'state' | 'noBaseline'
  /** Id of a check or finding; the state; empty without a baseline. */
  readonly id: string
  readonly title: string
  readonly severity: string
  readonly points: number
}

export interface PartExplanation {
  readonly part: ScorePart
  /** Points that it can give. */
  readonly weight: number
  /** How much of it is given, 0 to 1. */
  readonly value: number
  readonly points: number
  readonly lost: number
  /** The most expensive first, at most `MAX_LOSSES`. */
  readonly losses: readonly Loss[]
  /** What is lost beyond `losses`, and to how many things. */
  readonly others: { readonly count: number; readonly points: number }
}

/**
 * Why a score is what it is. Figures have two decimals and add up exactly: `losses` and `others` to
 * `lost`, `points` and `lost` to `weight`, all `points` and `rounding` to `score`.
 */
export interface ScoreExplanation {
  readonly score: number
  readonly parts: readonly PartExplanation[]
  /** What rounding to whole points gives or takes. */
  readonly rounding: number
}

/** A thing before its points are known. */
type Weighed = Omit<Loss, 'points'> & { readonly weight: number }

/** Pure. */
export function explainScore(input: ExplainInput, nowMs: number): ScoreExplanation {
  const values = partValues(input, nowMs)
  const things = {
    baseline: checksThatCost(input, nowMs),
    recommendations: input.recommendations
      .filter(({ state }) => state === 'Active')
      .map((one): Weighed => {
        const { id, displayName: title, severity } = one
        return { kind: 'recommendation', id, title, severity, weight: recommendationWeight(one) }
      }),
    alerts: input.alerts.filter(isOpenAlert).map((one): Weighed => {
      const { id, displayName: title, severity } = one
      return { kind: 'alert', id, title, severity, weight: alertWeight(one, nowMs) }
    }),
    health: [{ kind: 'state', id: input.state, title: '', severity: '', weight: 1 }],
  } satisfies { readonly [part in ScorePart]: readonly Weighed[] }
  const parts = SCORE_PARTS.map(([part, weight]) =>
    explainPart(part, weight, { value: values[part], things: things[part] }),
  )
  const exact = SCORE_PARTS.reduce((sum, [part, weight]) => sum + weight * values[part], 0)
  const score = Math.round(exact)
  const shown = parts.reduce((sum, { points }) => sum + hundredths(points), 0)
  return { score, parts, rounding: (score * PARTS_OF_A_POINT - shown) / PARTS_OF_A_POINT }
}

function explainPart(
  part: ScorePart,
  weight: number,
  { value, things }: { readonly value: number; readonly things: readonly Weighed[] },
): PartExplanation {
  const points = hundredths(weight * value)
  const lost = weight * PARTS_OF_A_POINT - points
  const all = things.reduce((sum, thing) => sum + thing.weight, 0)
  const costing = lost === 0 ? [] : things.filter((thing) => thing.weight > 0)
  const sorted = [...costing].sort((a, b) => b.weight - a.weight || (a.id < b.id ? -1 : 1))
  const losses = sorted.slice(0, MAX_LOSSES).map(({ weight: share, ...thing }) => ({
    ...thing,
    // Downwards, so that no sum is more than what is lost.
    points: Math.floor((lost * share) / all) / PARTS_OF_A_POINT,
  }))
  const named = losses.reduce((sum, loss) => sum + hundredths(loss.points), 0)
  return {
    part,
    weight,
    value: Math.round(value * 10_000) / 10_000,
    points: points / PARTS_OF_A_POINT,
    lost: lost / PARTS_OF_A_POINT,
    losses,
    others: {
      count: sorted.length - losses.length,
      points: (lost - named) / PARTS_OF_A_POINT,
    },
  }
}

function checksThatCost({ baseline, baselines }: ExplainInput, nowMs: number): readonly Weighed[] {
  const counted =
    baseline !== undefined && isFresh(baseline, nowMs) ? countedWith(baseline, baselines) : []
  const open = counted.flatMap((one) => openChecks(one).map((check) => weighCheck(check, one)))
  // Where nothing fails and something is lost, there is nothing to count.
  return open.length > 0
    ? open
    : [{ kind: 'noBaseline', id: '', title: '', severity: '', weight: 1 }]
}

function weighCheck(check: CheckState, { benchmark }: DeviceBaseline): Weighed {
  const { id, severity, result } = check
  const weight = checkWeight(severity, result === 'fail' ? 'fail' : 'error')
  return { kind: 'check', id, title: titleOf(check, benchmark), severity, weight }
}

function hundredths(points: number): number {
  return Math.round(points * PARTS_OF_A_POINT)
}
