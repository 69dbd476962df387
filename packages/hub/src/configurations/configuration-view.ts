import type { JsonObject } from '@twinward/protocol'
import { formatIdentityEtag } from '../twins/etag.ts'
import { formatTime } from '../twins/view.ts'
import type { Compiled } from './compiled.ts'
import type { MetricResults } from './configuration.ts'
import { systemMetricQueries } from './metrics.ts'

/** A configuration as services read it (08 §2). */
export function configurationView(
  compiled: Compiled,
  results: MetricResults | undefined,
): JsonObject {
  const { configuration } = compiled
  return {
    id: configuration.id,
    schemaVersion: configuration.schemaVersion,
    labels: configuration.labels,
    content: configuration.content,
    targetCondition: configuration.targetCondition,
    createdTimeUtc: formatTime(configuration.createdMs),
    lastUpdatedTimeUtc: formatTime(configuration.updatedMs),
    priority: configuration.priority,
    systemMetrics: { results: results?.system ?? {}, queries: systemMetricQueries(compiled) },
    metrics: { results: results?.custom ?? {}, queries: configuration.metricQueries },
    etag: formatIdentityEtag(configuration.revision),
  }
}
