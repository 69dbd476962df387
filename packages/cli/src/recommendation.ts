import type { Argument, Input } from './command.ts'
import type { RecommendationView } from './finding.ts'
import { formatFields, formatTime, printable } from './output.ts'

export const RECOMMENDATIONS = '/api/security/recommendations'
export const RECOMMENDATION_TYPES = '/api/security/recommendation-types'

/** How one recommendation is named on a command line. */
export const RECOMMENDATION_ARGUMENTS: readonly Argument[] = [
  { syntax: '<type>', description: 'such as IoT_OpenPorts' },
  { syntax: '[device]', description: 'the device; left out for the hub itself' },
]

/** A recommendation with all that is known of it. */
export interface WholeRecommendation extends RecommendationView {
  readonly scope: string
  readonly description: string
  readonly remediationSteps: readonly string[]
  readonly discoveredTimeUtc: string | null
  readonly exemptReason: string
  readonly exemptUntilUtc: string | null
  readonly reopened: number
  readonly additionalData: { readonly [key: string]: string }
  readonly history: readonly {
    readonly state: string
    readonly timeUtc: string | null
    readonly by: string
    readonly note: string
  }[]
}

/** The route of the recommendation that the arguments name. */
export function recommendationPath(input: Input): string {
  const id = `${input.argument(0)}|${input.argument(1)}`
  return `${RECOMMENDATIONS}/${encodeURIComponent(id)}`
}

export function subjectOf({ deviceId }: Pick<RecommendationView, 'deviceId'>): string {
  return deviceId === '' ? '(the hub)' : deviceId
}

/** A recommendation whole, for people. */
export function describeRecommendation(one: WholeRecommendation): string {
  const isExempt = one.state === 'Exempt'
  const fields = formatFields([
    ['Recommendation', one.displayName],
    ['Type', one.recommendationType],
    ['Device', subjectOf(one)],
    ['Severity', one.severity],
    ['State', one.state],
    ['Since', formatTime(one.stateChangedUtc)],
    ['Discovered', formatTime(one.discoveredTimeUtc)],
    ['Came back', one.reopened > 0 ? `${one.reopened} times` : undefined],
    ['Exempt because', isExempt ? one.exemptReason : undefined],
    ['Exempt until', isExempt ? formatTime(one.exemptUntilUtc) : undefined],
  ])
  const details = Object.entries(one.additionalData).map(([name, text]) => [name, text] as const)
  const parts = [
    fields,
    printable(one.description),
    list(
      'What to do',
      one.remediationSteps.map((step) => `- ${printable(step)}`),
    ),
    details.length === 0 ? '' : list('Details', formatFields(details).split('\n')),
    list(
      'History',
      one.history.map(({ state, timeUtc, by, note }) => {
        const why = note === '' ? '' : `: ${note}`
        return `${formatTime(timeUtc)}  ${state}  ${printable(`${by}${why}`)}`
      }),
    ),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function list(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [title, ...lines.map((line) => `  ${line}`)].join('\n')
}
