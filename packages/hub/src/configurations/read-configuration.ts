import { HubError, isJsonObject } from '@twinward/protocol'
import { parseQuery } from '../twins/query/parse-query.ts'
import { type Configuration, contentKind } from './configuration.ts'
import { readContent } from './content.ts'
import { readTarget } from './target-condition.ts'

/** Custom metrics of one configuration. */
export const MAX_METRIC_QUERIES = 5
/** Labels of one configuration. */
export const MAX_LABELS = 100
/** Characters of a label's name, of its value, and of a metric's name. */
export const MAX_LABEL_CHARACTERS = 128
const MAX_VERSION_CHARACTERS = 128
const MAX_PRIORITY = 2 ** 31 - 1

const ID = /^[a-z0-9\-+%_*!']{1,128}$/

/** What a caller says of a configuration. */
export type WrittenConfiguration = Pick<
  Configuration,
  'schemaVersion' | 'labels' | 'content' | 'targetCondition' | 'priority' | 'metricQueries'
>

/**
 * Reads the document of a configuration (08 §2). Members that the hub sets, and unknown ones, are let
 * pass; `null` is as absent.
 *
 * @throws {HubError} `ArgumentInvalid`; `InvalidConfigurationContent`;
 *   `InvalidConfigurationTargetCondition`; `InvalidConfigurationCustomMetricsQuery`
 */
export function readConfiguration(id: string, body: unknown): WrittenConfiguration {
  if (!ID.test(id)) {
    throw invalid(
      `The id '${id.slice(0, 128)}' is not valid: 1 to 128 lower-case letters, digits and -+%_*!'.`,
    )
  }
  if (!isJsonObject(body)) throw invalid('A configuration must be an object.')
  if (body.id != null && body.id !== id)
    throw invalid('The id of the body is not that of the path.')
  const content = readContent(body.content)
  const targetCondition = readText(body.targetCondition, 'targetCondition') ?? ''
  readTarget(targetCondition, contentKind(content))
  return {
    schemaVersion: readText(body.schemaVersion, 'schemaVersion', MAX_VERSION_CHARACTERS) ?? null,
    labels: readLabels(body.labels),
    content,
    targetCondition,
    priority: readPriority(body.priority),
    metricQueries: readMetrics(body.metrics),
  }
}

function readText(value: unknown, name: string, maxCharacters?: number): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw invalid(`${name} must be a string.`)
  if (maxCharacters !== undefined && value.length > maxCharacters) {
    throw invalid(`${name} is longer than ${maxCharacters} characters.`)
  }
  return value
}

function readPriority(value: unknown): number {
  if (value === undefined || value === null) return 0
  const isPriority = typeof value === 'number' && Number.isInteger(value)
  if (isPriority && value >= 0 && value <= MAX_PRIORITY) return value
  throw invalid(`priority must be a whole number from 0 to ${MAX_PRIORITY}.`)
}

function readLabels(value: unknown): Configuration['labels'] {
  if (value === undefined || value === null) return null
  if (!isJsonObject(value)) throw invalid('labels must be an object.')
  const labels = Object.entries(value)
  if (labels.length > MAX_LABELS) throw invalid(`There are more than ${MAX_LABELS} labels.`)
  const read = labels.map(([name, text]) => {
    checkName(name, 'The name of a label')
    if (typeof text !== 'string') throw invalid(`The label '${name}' must be a string.`)
    if (text.length > MAX_LABEL_CHARACTERS) {
      throw invalid(`The label '${name}' is longer than ${MAX_LABEL_CHARACTERS} characters.`)
    }
    return [name, text] as const
  })
  return Object.fromEntries(read)
}

function readMetrics(value: unknown): Configuration['metricQueries'] {
  if (value === undefined || value === null) return {}
  if (!isJsonObject(value)) throw invalid('metrics must be an object.')
  const { queries } = value
  if (queries === undefined || queries === null) return {}
  if (!isJsonObject(queries)) throw invalid('metrics.queries must be an object.')
  const entries = Object.entries(queries)
  if (entries.length > MAX_METRIC_QUERIES) {
    throw wrongMetric(`There are more than ${MAX_METRIC_QUERIES} custom metrics.`)
  }
  const read = entries.map(([name, text]) => {
    checkName(name, 'The name of a metric')
    const fault = metricFault(text)
    if (fault !== undefined) throw wrongMetric(`${name}: ${fault}`)
    return [name, String(text)] as const
  })
  return Object.fromEntries(read)
}

function checkName(name: string, what: string): void {
  if (name.length > 0 && name.length <= MAX_LABEL_CHARACTERS) return
  throw invalid(`${what} needs 1 to ${MAX_LABEL_CHARACTERS} characters.`)
}

/** What is wrong with the query of a metric, a whole SELECT; `undefined`: nothing. */
export function metricFault(text: unknown): string | undefined {
  if (typeof text !== 'string') return 'the query must be a string.'
  return faultOf(() => parseQuery(text))
}

/**
 * What is wrong with a target condition. `*` is, as IoT Hub's endpoint for such questions says (08
 * §2.3), although a configuration may have it.
 */
export function targetConditionFault(text: unknown): string | undefined {
  if (typeof text !== 'string') return 'targetCondition must be a string.'
  if (text.trim() === '*')
    return '* is no expression; as the condition of a configuration it is good.'
  return faultOf(() => readTarget(text))
}

function faultOf(read: () => unknown): string | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (error instanceof HubError) return error.message
    throw error
  }
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}

function wrongMetric(message: string): HubError {
  return new HubError('InvalidConfigurationCustomMetricsQuery', message)
}
