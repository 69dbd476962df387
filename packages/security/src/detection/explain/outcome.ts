import type { Alert } from '../alert.ts'
import { EVIDENCE_AT_EACH_END, MAINTENANCE } from '../alerts.ts'
import type { Verdict } from '../noise/verdict.ts'
import type { Match } from '../rule.ts'
import type { RuleAnswer } from './explain-rule.ts'

/** What became of an event by one rule, from what people ask for first to what they ask for last. */
export const OUTCOMES = [
  'raised',
  'counted',
  'flood',
  'suppressed',
  'learning',
  'off',
  'notRaised',
  'quiet',
  'notAsked',
] as const
export type Outcome = (typeof OUTCOMES)[number]

/** The answer about one rule. */
export interface Explained {
  readonly alertType: string
  readonly displayName: string
  readonly outcome: Outcome
  /** Sentences for a person. */
  readonly because: string
  /** The record that it is about, from 0. */
  readonly element: number
  /** The alert that the event opened, or is counted in. */
  readonly alertId?: string
  readonly suppressionId?: string
  /** The first condition that does not hold, as a clause that would be true. */
  readonly condition?: string
  /** The conditions before it, which hold. */
  readonly held?: readonly string[]
  /** How far it is, where it depends on what came before. */
  readonly state?: string
}

/** What is known of one rule's answer. */
interface Facts {
  readonly outcome: Outcome
  readonly alert?: Alert
  /** The alert names the event; else it only may hold it, among the evidences that it did not keep. */
  readonly isNamed?: boolean
  readonly verdict?: Verdict
  readonly answer?: RuleAnswer
  readonly match?: Match
}

/** Puts an answer into words. Pure. */
export function inWords(
  what: Pick<Explained, 'alertType' | 'displayName' | 'element'>,
  facts: Facts,
): Explained {
  const { outcome, alert, verdict, answer } = facts
  const failed = answer?.kind === 'failed' ? answer : undefined
  return {
    ...what,
    outcome,
    because: SENTENCES[outcome](facts),
    ...(alert && { alertId: alert.id }),
    ...(verdict?.kind === 'suppressed' && { suppressionId: verdict.suppressionId }),
    ...(failed && { condition: failed.condition, held: failed.held }),
    ...(failed?.state !== undefined && { state: failed.state }),
  }
}

const SENTENCES: { readonly [outcome in Outcome]: (facts: Facts) => string } = {
  raised: ({ alert }) => `It opened the alert ${alert?.id}${asMaintenance(alert)}.`,
  counted: ({ alert, isNamed }) => {
    const how = isNamed ? 'It is counted' : 'It is most likely counted'
    const why = isNamed
      ? ''
      : `, of whose ${alert?.count} finds the first and last ${EVIDENCE_AT_EACH_END} are kept`
    return (
      `${how} in the alert ${alert?.id}, which was there for the same thing within an hour` +
      `${why}${asMaintenance(alert)}.`
    )
  },
  flood: ({ alert }) =>
    `The device had opened too many alerts in that hour; it is counted in the alert ${alert?.id}.`,
  suppressed: ({ verdict }) =>
    `The rule fires, and as of now the suppression ${verdict?.kind === 'suppressed' ? verdict.suppressionId : ''} holds it back.`,
  learning: ({ verdict }) =>
    verdict?.kind === 'learning'
      ? `The rule fires, but in the group ${verdict.group} it only collects until ${new Date(verdict.untilMs).toISOString()}.`
      : '',
  off: ({ verdict }) =>
    verdict?.kind === 'off' && verdict.group !== ''
      ? `The rule fires, but as of now it is off for the group ${verdict.group}.`
      : 'The rule fires, but as of now it is off for the hub.',
  notRaised: ({ match }) =>
    `The rule fires by its settings and memory of now (${match?.summary ?? ''}), and no alert holds ` +
    'the event: the settings or what came before were different then, or the alert is gone.',
  quiet: ({ answer }) => {
    if (answer?.kind !== 'failed') return ''
    const state = answer.state === undefined ? '' : ` As of now: ${answer.state}.`
    return `It would have to be so that ${answer.condition}.${state}`
  },
  notAsked: () => 'The rule does not look at events of this kind.',
}

function asMaintenance(alert: Alert | undefined): string {
  return alert?.tags?.includes(MAINTENANCE) ? ', which is Resolved because of maintenance' : ''
}
