import { createHash } from 'node:crypto'
import type { JsonObject, JsonValue } from '@twinward/protocol'
import { textOf } from './fields.ts'
import type { BaselineCheck } from './record.ts'

/** How much of a check's texts goes into its record; the event has them whole. */
export const MAX_CHECK_CHARACTERS = 2_048

/** Checks of the legacy agents' event `OSBaseline`. */
export function legacyChecks(payload: readonly JsonObject[]): readonly BaselineCheck[] {
  return payload.map((check) => ({
    benchmark: '',
    id: textOf(check.CceId) || idOfDescription(textOf(check.Description)),
    group: '',
    result: resultOf(check.Result),
    severity: severityOf(check.Severity),
    error: shortened(check.Error),
    description: shortened(check.Description),
    remediation: '',
  }))
}

/** Checks of the event `Baseline` of schema 2.0 and of binary messages. */
export function microChecks(payload: readonly JsonObject[]): readonly BaselineCheck[] {
  return payload.map((check) => ({
    benchmark: textOf(check.benchmark),
    id: textOf(check.checkId) || idOfDescription(textOf(check.description)),
    group: textOf(check.group),
    result: resultOf(check.result),
    severity: severityOf(check.severity),
    error: shortened(check.error),
    description: shortened(check.description),
    remediation: shortened(check.remediation),
  }))
}

/** A check without a number is known by what it says. */
function idOfDescription(description: string): string {
  return `desc:${createHash('sha256').update(description).digest('hex').slice(0, 16)}`
}

/** What is no pass, fail or skip could not be checked: `Err`, `ERROR`, `MISS`, a word of tomorrow. */
function resultOf(value: JsonValue | undefined): BaselineCheck['result'] {
  const result = textOf(value).toLowerCase()
  return result === 'pass' || result === 'fail' || result === 'skip' ? result : 'error'
}

function severityOf(value: JsonValue | undefined): BaselineCheck['severity'] {
  const severity = textOf(value).toLowerCase()
  if (severity === 'critical' || severity === 'important' || severity === 'warning') return severity
  return 'informational'
}

function shortened(value: JsonValue | undefined): string {
  return textOf(value).slice(0, MAX_CHECK_CHARACTERS)
}
