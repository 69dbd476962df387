import type { Assessment, RecommendationType } from './recommendation.ts'
import type { RecommendationRule } from './rule.ts'

/** So large a part of the messages of a day may be under 4 KB. */
const SMALL_RATIO = 0.1
/** With fewer messages in a day, their sizes say nothing. */
const MIN_MESSAGES = 10
/** So large a part of the events of a day may be lost. */
const DROPPED_RATIO = 0.01

const smallType: RecommendationType = {
  recommendationType: 'IoT_AgentSendsUnutilizedMessages',
  displayName: 'The agent sends messages that are hardly filled',
  severity: 'Low',
  description:
    'A tenth or more of the messages that the security agent sent in the last 24 hours was ' +
    'smaller than 4 KB. Each is counted, and paid for, as a whole one.',
  remediationSteps: [
    'Let more events gather: raise `highPriorityMessageFrequency` and `lowPriorityMessageFrequency`.',
    'Give events that can wait the priority Low, and switch off what nobody needs.',
  ],
}

const droppedType: RecommendationType = {
  recommendationType: 'IoT_AgentDropsEvents',
  displayName: 'The agent loses events',
  severity: 'Low',
  description:
    'The security agent threw away more than one in a hundred of the events that it collected in ' +
    'the last 24 hours, because its queues were full.',
  remediationSteps: [
    'Look which queue or collector is full, and why: a lost connection, or too many events.',
    'Give the agent a larger cache (`maxLocalCacheSizeInBytes`, `Process_CacheSize` and its like).',
    'Let it send more often, or switch the aggregation of processes and connections on.',
  ],
}

/** How an agent uses its messages and queues (security 05 §4.4). */
export const economyRules: readonly RecommendationRule[] = [
  {
    type: smallType,
    kinds: ['agent'],
    evaluate: (record, _group, { hours }) => {
      if (record.kind !== 'agent' || record.type !== 'messageStatistics') return undefined
      const sent = total(hours.map((hour) => hour.sent))
      const small = total(hours.map((hour) => hour.small))
      if (sent < MIN_MESSAGES || small < SMALL_RATIO * sent) return { isGood: true }
      return found({ MessagesSent: sent, MessagesUnder4KB: small })
    },
  },
  {
    type: droppedType,
    kinds: ['agent'],
    evaluate: (record, _group, { hours }) => {
      if (record.kind !== 'agent' || record.type !== 'dropped') return undefined
      const collected = total(hours.map((hour) => hour.collected))
      const dropped = total(hours.map((hour) => hour.dropped))
      if (dropped <= DROPPED_RATIO * collected) return { isGood: true }
      return found({ CollectedEvents: collected, DroppedEvents: dropped })
    },
  },
]

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}

function found(counts: { readonly [name: string]: number }): Assessment {
  const entries = Object.entries(counts).map(([name, count]) => [name, String(count)])
  return { isGood: false, additionalData: Object.fromEntries(entries) }
}
