import { HubError, isJsonObject, type JsonValue, parseDuration } from '@twinward/protocol'
import { contentKind } from '../configurations/configuration.ts'
import { readConfiguration } from '../configurations/read-configuration.ts'
import { parseCondition } from '../twins/query/parse-query.ts'
import type { RolloutRules } from './rollout.ts'

/** Waves of one rollout. */
export const MAX_WAVES = 20
const MAX_CONDITION_CHARACTERS = 4096
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** The longest pause, and the longest that a wave may take. */
const MAX_MS = 90 * DAY_MS

const ID = /^[a-z0-9\-_.]{1,128}$/
const SIZE = /^(\d{1,9}|(\d{1,2}(\.\d{1,3})?|100)%|rest)$/

/** What a caller says of a rollout. */
export interface WrittenRollout {
  readonly id: string
  readonly configurationId: string
  readonly configuration: { readonly [name: string]: JsonValue }
  readonly sizes: readonly string[]
  readonly rules: RolloutRules
  readonly isPaused: boolean
}

/**
 * Reads the document of a rollout:
 *
 *     { configuration: { id, content, targetCondition, priority, … }, waves: ["5%", "25%", "rest"],
 *       success?, failure?, successRatio?, failureRatio?, pause?, wait?, onFailure?, isPaused? }
 *
 * @throws {HubError} `ArgumentInvalid` that names the member; as `readConfiguration`
 */
export function readRollout(id: string, body: unknown): WrittenRollout {
  if (!ID.test(id)) throw invalid('The id has 1 to 128 lower-case letters, digits and - _ .')
  if (!isJsonObject(body)) throw invalid('A rollout must be an object.')
  const { configuration } = body
  if (!isJsonObject(configuration) || typeof configuration.id !== 'string') {
    throw invalid('configuration must be the document of a configuration, with its id.')
  }
  const { content, targetCondition } = readConfiguration(configuration.id, configuration)
  const kind = contentKind(content)
  if (kind === 'modulesContent') throw invalid('Edge deployments cannot be rolled out in waves.')
  if (targetCondition.trim() === '') throw invalid('The configuration has no targetCondition.')
  const source = kind === 'moduleContent' ? 'devices.modules' : 'devices'
  const success = readCondition(body.success, 'success', source)
  const failure = readCondition(body.failure, 'failure', source)
  return {
    id,
    configurationId: configuration.id,
    configuration,
    sizes: readSizes(body.waves),
    rules: {
      ...(success !== undefined && { success }),
      ...(failure !== undefined && { failure }),
      successRatio: readRatio(body.successRatio, 'successRatio', 1),
      failureRatio: readRatio(body.failureRatio, 'failureRatio', 0),
      pauseMs: readTime(body.pause, 'pause', 5 * MINUTE_MS),
      waitMs: readTime(body.wait, 'wait', DAY_MS),
      onFailure: readFailure(body.onFailure),
    },
    isPaused: body.isPaused === true,
  }
}

/** Without `rest` at the end, it is added: every target gets the configuration some time. */
function readSizes(value: JsonValue | undefined): readonly string[] {
  const sizes = value ?? ['5%', '25%', 'rest']
  const isList = Array.isArray(sizes) && sizes.length >= 1 && sizes.length <= MAX_WAVES
  if (!isList) throw invalid(`waves must be a list of 1 to ${MAX_WAVES} sizes.`)
  const read = sizes.map((size, at) => {
    const text = typeof size === 'number' ? String(size) : size
    if (typeof text === 'string' && SIZE.test(text)) return text
    throw invalid(`waves[${at}] must be such as "5%", 20 or "rest".`)
  })
  const rest = read.indexOf('rest')
  if (rest >= 0 && rest < read.length - 1) throw invalid(`waves[${rest}]: "rest" stands last.`)
  return rest >= 0 ? read : [...read, 'rest']
}

function readCondition(
  value: JsonValue | undefined,
  name: string,
  source: 'devices' | 'devices.modules',
): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  if (typeof value !== 'string' || value.length > MAX_CONDITION_CHARACTERS) {
    throw invalid(`${name} must be a condition of at most ${MAX_CONDITION_CHARACTERS} characters.`)
  }
  try {
    parseCondition(value, source)
  } catch (error) {
    if (error instanceof HubError) throw invalid(`${name}: ${error.message}`)
    throw error
  }
  return value
}

function readRatio(value: JsonValue | undefined, name: string, fallback: number): number {
  if (value === undefined || value === null) return fallback
  if (typeof value === 'number' && value >= 0 && value <= 1) return value
  throw invalid(`${name} must be a number from 0 to 1.`)
}

function readTime(value: JsonValue | undefined, name: string, fallbackMs: number): number {
  if (value === undefined || value === null) return fallbackMs
  const ms = typeof value === 'string' ? parseDuration(value) : undefined
  if (ms !== undefined && ms <= MAX_MS) return ms
  throw invalid(`${name} must be a duration such as PT10M, at most 90 days.`)
}

function readFailure(value: JsonValue | undefined): RolloutRules['onFailure'] {
  if (value === undefined || value === null) return 'rollback'
  if (value === 'halt' || value === 'rollback') return value
  throw invalid('onFailure must be halt or rollback.')
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
