import { HubError, type JsonObject, type JsonValue, type TwinWrite } from '@twinward/protocol'
import {
  checkMethodCall,
  DEFAULT_RESPONSE_TIMEOUT_MS,
  type MethodCall,
} from '../methods/method-call.ts'
import type { JobWork } from './job.ts'

/** How far ahead a job may be scheduled (08 §1.1). */
export const MAX_AHEAD_MS = 168 * 3_600_000
/** Seconds that a job has when it does not say: what the Node SDK sends. */
const DEFAULT_EXECUTION_SECONDS = 3600
/** The longest: a job holds a slot meanwhile. */
const MAX_EXECUTION_SECONDS = 168 * 3600
const MAX_CONDITION_CHARACTERS = 8192
/** Bytes of JSON of an update: more than tags and desired may hold is never taken by a twin. */
const MAX_UPDATE_BYTES = 64 * 1024

/** What a client asks for. */
export interface JobRequest {
  readonly jobId: string
  readonly work: JobWork
  readonly queryCondition: string
  /** ms since the epoch; in the past = now. */
  readonly startTimeMs: number
  readonly maxExecutionMs: number
}

/**
 * Reads the body of `PUT /jobs/v2/{jobId}` (08 §1.1). Pure.
 *
 * @throws {HubError} `ArgumentInvalid`; `ArgumentNull` for a method without a name; `MessageTooLarge`
 *   for a method's payload
 */
export function readJobRequest(jobId: string, body: JsonObject, nowMs: number): JobRequest {
  if (!/^[a-z0-9\-']{1,64}$/.test(jobId)) {
    throw invalid("jobId has 1 to 64 characters: lower-case letters, digits, - and '.")
  }
  if (body.jobId !== undefined && body.jobId !== null && body.jobId !== jobId) {
    throw invalid('jobId must be the same in the path and in the body.')
  }
  return {
    jobId,
    work: readWork(body),
    queryCondition: readCondition(body.queryCondition),
    startTimeMs: readStart(body.startTime, nowMs),
    maxExecutionMs: readExecution(body.maxExecutionTimeInSeconds),
  }
}

function readWork(body: JsonObject): JobWork {
  const { type, updateTwin, cloudToDeviceMethod } = body
  if (type === 'scheduleUpdateTwin') return { type, write: readUpdate(updateTwin) }
  if (type === 'scheduleDeviceMethod') return { type, call: readCall(cloudToDeviceMethod) }
  throw invalid('type must be scheduleUpdateTwin or scheduleDeviceMethod.')
}

function readUpdate(value: JsonValue | undefined): TwinWrite {
  if (!isObject(value)) throw invalid('updateTwin must be an object with tags or properties.')
  const { etag, tags, properties } = value
  // A job is about many twins; each has an etag of its own.
  if (etag !== undefined && etag !== null && etag !== '*') {
    throw invalid("updateTwin.etag must be '*'.")
  }
  if (properties !== undefined && properties !== null && !isObject(properties)) {
    throw invalid('updateTwin.properties must be an object.')
  }
  const desired = isObject(properties) ? properties.desired : undefined
  const write = {
    ...(tags !== undefined && { tags: readSection(tags, 'tags') }),
    ...(desired !== undefined && { desired: readSection(desired, 'properties.desired') }),
  }
  if (Object.keys(write).length === 0) {
    throw invalid('updateTwin has neither tags nor properties.desired: there is nothing to do.')
  }
  if (Buffer.byteLength(JSON.stringify(write)) > MAX_UPDATE_BYTES) {
    throw invalid(`updateTwin may take ${MAX_UPDATE_BYTES} bytes.`)
  }
  return write
}

/** SDKs send `null` for what they have no value for; here it would empty every twin. */
function readSection(value: JsonValue, name: string): JsonObject {
  if (value === null) return {}
  if (!isObject(value)) throw invalid(`updateTwin.${name} must be an object.`)
  return value
}

function readCall(value: JsonValue | undefined): MethodCall {
  if (!isObject(value)) throw invalid('cloudToDeviceMethod must be an object.')
  const { methodName, payload = null } = value
  const call = {
    name: typeof methodName === 'string' ? methodName : '',
    payload,
    responseTimeoutMs: readTimeout(value, 'responseTimeoutInSeconds', DEFAULT_RESPONSE_TIMEOUT_MS),
    connectTimeoutMs: readTimeout(value, 'connectTimeoutInSeconds', 0),
  }
  checkMethodCall(call)
  return call
}

function readTimeout(call: JsonObject, name: string, defaultMs: number): number {
  const seconds = call[name]
  if (seconds === undefined || seconds === null) return defaultMs
  if (typeof seconds !== 'number') throw invalid(`cloudToDeviceMethod.${name} must be a number.`)
  return seconds * 1000
}

function readCondition(value: JsonValue | undefined): string {
  if (typeof value !== 'string' || value.trim() === '') {
    throw invalid("queryCondition must be a condition, or '*' for all devices.")
  }
  if (value.length > MAX_CONDITION_CHARACTERS) {
    throw invalid(`queryCondition may have ${MAX_CONDITION_CHARACTERS} characters.`)
  }
  return value
}

function readStart(value: JsonValue | undefined, nowMs: number): number {
  if (value === undefined || value === null || value === '') return nowMs
  const hasZone = typeof value === 'string' && /(Z|[+-]\d{2}:?\d{2})$/i.test(value)
  const startMs = typeof value === 'string' ? Date.parse(hasZone ? value : `${value}Z`) : Number.NaN
  if (Number.isNaN(startMs)) {
    throw invalid('startTime must be a time such as 2026-01-31T12:00:00Z.')
  }
  if (startMs > nowMs + MAX_AHEAD_MS) throw invalid('startTime may be 168 hours ahead.')
  return Math.max(startMs, nowMs)
}

function readExecution(value: JsonValue | undefined): number {
  const seconds = value ?? DEFAULT_EXECUTION_SECONDS
  const isWithin = typeof seconds === 'number' && seconds > 0 && seconds <= MAX_EXECUTION_SECONDS
  if (!isWithin) {
    throw invalid(`maxExecutionTimeInSeconds must be 1 to ${MAX_EXECUTION_SECONDS}.`)
  }
  return Math.max(1, Math.round(seconds * 1000))
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(message: string): HubError {
  return new HubError('ArgumentInvalid', message)
}
