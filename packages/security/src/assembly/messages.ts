import type { ActivityWatch } from '../activity/activity-watch.ts'
import type { Detection } from '../detection/detection.ts'
import { FindingEvaluator } from '../detection/evaluator.ts'
import type { FindingFeed } from '../findings/finding-feed.ts'
import type { Findings } from '../findings/findings.ts'
import type { GroupLookup } from '../groups/group-lookup.ts'
import type { Ingestion } from '../ingestion/ingestion.ts'
import { type IngestedMessage, Pipeline } from '../ingestion/pipeline.ts'
import type { EventRecorder } from '../ingestion/recorder.ts'
import { decodeFromSender } from '../ingestion/sender.ts'
import { Reporting } from '../notifications/reporting.ts'
import type { SecurityMessage } from '../platform.ts'
import type { RecommendationService } from '../recommendations/recommendation-service.ts'
import type { SecurityOptions, SecurityPorts } from '../security-ports.ts'
import type { Serial } from '../serial.ts'

/** What a message meets on its way. */
interface Parts {
  readonly ingestion: Ingestion
  readonly recorder: EventRecorder
  readonly detection: Detection
  readonly groups: GroupLookup
  readonly activity: ActivityWatch
  readonly advice: RecommendationService
  readonly findings: Findings
  readonly feed: FindingFeed
  /** Changes of findings, one after the other. */
  readonly changes: Serial
  /** Told of every device whose findings may have changed. */
  readonly touch: (deviceId: string) => void
}

/** The way of a message from the platform to findings, and from there to whoever is told. */
export function assembleMessages(ports: SecurityPorts, options: SecurityOptions, parts: Parts) {
  const { platform, findings, clock, log } = ports
  const { ingestion, recorder, changes, touch } = parts
  const decode = (message: SecurityMessage) => decodeFromSender(message, options, ingestion.schemas)
  const reporting = new Reporting(ports, {
    ...{ ...options, feed: parts.feed, judge: parts.detection.judge, findings: parts.findings },
    unhealthy: () => pipeline.failure,
    inject: async (message) => {
      const whole = { ...message, sequence: await findings.cursor() }
      await evaluate([{ message: whole, decoded: decode(whole) }], whole.sequence)
    },
  })
  const { judge } = reporting
  const evaluator = new FindingEvaluator({ findings, log }, rulesOf(options, parts, judge), touch)
  const evaluate = (messages: readonly IngestedMessage[], cursor: number) =>
    changes.run(() => judge.watching(messages, () => evaluator.evaluate(messages, cursor)))
  const { admission } = ingestion
  const pipeline = new Pipeline(
    { platform, findings, admission, recorder, evaluator: { evaluate }, decode },
    clock,
    log,
  )
  return { reporting, pipeline }
}

/** What messages are judged by. */
function rulesOf(
  { silentAfterMs }: SecurityOptions,
  { detection, groups, activity, advice: { judgedBy } }: Parts,
  judge: Reporting['judge'],
) {
  return {
    ...(silentAfterMs !== undefined && { silentAfterMs }),
    alerts: detection.rules,
    sets: [detection.sigma.ruleSet],
    judge,
    isDrill: (ingested: IngestedMessage) => judge.isDrill(ingested),
    groups,
    windows: activity.counts,
    recommendations: judgedBy.rules,
    judgedBy,
  }
}
