/** Base scores of CVSS, from vectors or numbers as feeds carry them. */

/** @returns 0 to 10, or `undefined` for what is no score, such as a vector of version 4 */
export function cvssScore(text: string): number | undefined {
  const number = Number(text)
  if (text.trim() !== '' && number >= 0 && number <= 10) return number
  const metrics = new Map(
    text.split('/').map((part) => {
      const [name = '', value = ''] = part.split(':')
      return [name, value] as const
    }),
  )
  if (/^CVSS:3\.[01]\//.test(text)) return scoreOf3(metrics)
  return metrics.has('Au') ? scoreOf2(metrics) : undefined
}

type Metrics = ReadonlyMap<string, string>
type Weights = Readonly<Record<string, number>>

const IMPACT_3: Weights = { H: 0.56, L: 0.22, N: 0 }
const ATTACK_VECTOR_3: Weights = { N: 0.85, A: 0.62, L: 0.55, P: 0.2 }
const COMPLEXITY_3: Weights = { L: 0.77, H: 0.44 }
const PRIVILEGES_3: Weights = { N: 0.85, L: 0.62, H: 0.27 }
const PRIVILEGES_CHANGED_3: Weights = { N: 0.85, L: 0.68, H: 0.5 }
const INTERACTION_3: Weights = { N: 0.85, R: 0.62 }

function scoreOf3(metrics: Metrics): number | undefined {
  const isChanged = metrics.get('S') === 'C'
  const privileges = isChanged ? PRIVILEGES_CHANGED_3 : PRIVILEGES_3
  const impacts = weigh(metrics, { C: IMPACT_3, I: IMPACT_3, A: IMPACT_3 })
  const ease = weigh(metrics, {
    ...{ AV: ATTACK_VECTOR_3, AC: COMPLEXITY_3, PR: privileges, UI: INTERACTION_3 },
  })
  if (!impacts || !ease) return undefined
  const base = 1 - impacts.reduce((product, weight) => product * (1 - weight), 1)
  const impact = isChanged ? 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 : 6.42 * base
  if (impact <= 0) return 0
  const exploitability = 8.22 * ease.reduce((product, weight) => product * weight, 1)
  const factor = isChanged ? 1.08 : 1
  return roundUp(Math.min(factor * (impact + exploitability), 10))
}

/** To one decimal, as version 3.1 defines it, so that 4.02 is 4.1 and 4.00001 is 4.0. */
function roundUp(score: number): number {
  const scaled = Math.round(score * 100_000)
  return scaled % 10_000 === 0 ? scaled / 100_000 : (Math.floor(scaled / 10_000) + 1) / 10
}

const IMPACT_2: Weights = { N: 0, P: 0.275, C: 0.66 }
const VECTOR_2: Weights = { L: 0.395, A: 0.646, N: 1 }
const COMPLEXITY_2: Weights = { H: 0.35, M: 0.61, L: 0.71 }
const AUTHENTICATION_2: Weights = { M: 0.45, S: 0.56, N: 0.704 }

function scoreOf2(metrics: Metrics): number | undefined {
  const impacts = weigh(metrics, { C: IMPACT_2, I: IMPACT_2, A: IMPACT_2 })
  const ease = weigh(metrics, { AV: VECTOR_2, AC: COMPLEXITY_2, Au: AUTHENTICATION_2 })
  if (!impacts || !ease) return undefined
  const impact = 10.41 * (1 - impacts.reduce((product, weight) => product * (1 - weight), 1))
  const exploitability = 20 * ease.reduce((product, weight) => product * weight, 1)
  const factor = impact === 0 ? 0 : 1.176
  return Math.round((0.6 * impact + 0.4 * exploitability - 1.5) * factor * 10) / 10
}

/** The weights of all of these metrics; `undefined` when one is missing. */
function weigh(
  metrics: Metrics,
  tables: Readonly<Record<string, Weights>>,
): readonly number[] | undefined {
  const weights = Object.entries(tables).map(([name, table]) => table[metrics.get(name) ?? ''])
  return weights.every((weight) => weight !== undefined) ? weights : undefined
}
