import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { isJsonObject, type JsonObject, type JsonValue } from '@twinward/protocol'
import type { HubEvent } from '../src/activity/hub-activity.ts'
import { evaluateRecords } from '../src/detection/evaluate.ts'
import { hubRecord } from '../src/detection/hub/hub-record.ts'
import {
  INDICATOR_KINDS,
  type IndicatorKind,
  indicatorValue,
  MAX_CONFIDENCE,
} from '../src/detection/indicators/indicator.ts'
import { IndicatorIndex } from '../src/detection/indicators/lookup.ts'
import type { Rule } from '../src/detection/rule.ts'
import { DEFAULT_GROUP_SETTINGS, type GroupSettings } from '../src/groups/group-settings.ts'
import { Mistakes, Reading } from '../src/groups/reading.ts'
import { readSettings } from '../src/groups/settings-wire.ts'
import type { EventHeader, FirewallRule, SecurityRecord } from '../src/ingestion/record.ts'
import {
  connectionRecord,
  emptyMemory,
  firewallRecord,
  header,
  portsRecord,
  processRecord,
} from './records.ts'

/** `vectors/detections/`, read as its README says. */

export interface VectorFile {
  readonly alertType: string
  readonly lists: IndicatorIndex
  readonly fires: readonly Vector[]
  readonly quiet: readonly Vector[]
}

export type Vector = string | JsonObject

const folder = new URL('../../../vectors/detections/', import.meta.url)

export function vectorTypes(): readonly string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return names.map((name) => name.slice(0, -'.json'.length)).sort()
}

export function readVectors(alertType: string): VectorFile {
  const file = JSON.parse(readFileSync(new URL(`${alertType}.json`, folder), 'utf8')) as {
    readonly indicators?: readonly { readonly kind: string; readonly value: string }[]
    readonly fires: readonly Vector[]
    readonly quiet: readonly Vector[]
  }
  const indicators = (file.indicators ?? []).map(({ kind, value, ...rest }) => {
    assert.ok(isKind(kind), kind)
    const plain = { source: 'vectors', confidence: MAX_CONFIDENCE, expiresMs: 0, note: '' }
    return { ...plain, ...rest, kind, value: indicatorValue(kind, value) }
  })
  return { alertType, ...file, lists: new IndicatorIndex(indicators) }
}

function isKind(word: string): word is IndicatorKind {
  return INDICATOR_KINDS.some((kind) => kind === word)
}

/** How many findings the rule has in the last record of a vector. */
export function findsInLast(rule: Rule, vector: Vector): number {
  const records = recordsOf(vector)
  const group = groupOf(vector)
  const findings = evaluateRecords(records, [rule], emptyMemory(), { group })
  return findings.filter(({ record }) => record === records.at(-1)).length
}

/** What the vector says of the device's security group, as operators write it. */
export function groupOf(vector: Vector): GroupSettings {
  if (typeof vector === 'string' || !Array.isArray(vector.records)) return DEFAULT_GROUP_SETTINGS
  const mistakes = new Mistakes()
  const settings = readSettings(new Reading(vector.group, 'group', mistakes))
  mistakes.refuse('The group of a vector')
  return settings
}

export function recordsOf(vector: Vector): readonly SecurityRecord[] {
  if (typeof vector === 'string') return [processRecord({ cmd: vector })]
  if (!Array.isArray(vector.records)) return [recordOf(vector)]
  return vector.records.filter(isJsonObject).flatMap(repeated)
}

/** `repeat` times the record, `everyMs` apart; `#` in its texts is its number, from 1. */
function repeated({ repeat, everyMs, ...fields }: JsonObject): readonly SecurityRecord[] {
  if (typeof repeat !== 'number') return [recordOf(fields)]
  const step = typeof everyMs === 'number' ? everyMs : 0
  const startMs = typeof fields.timeMs === 'number' ? fields.timeMs : 0
  return Array.from({ length: repeat }, (_, at) =>
    recordOf({ ...(numbered(fields, at + 1) as JsonObject), timeMs: startMs + at * step }),
  )
}

function numbered(value: JsonValue, number: number): JsonValue {
  if (typeof value === 'string') return value.replaceAll('#', String(number))
  if (Array.isArray(value)) return value.map((each) => numbered(each, number))
  if (!isJsonObject(value)) return value
  const entries = Object.entries(value).map(([name, each]) => [name, numbered(each, number)])
  return Object.fromEntries(entries)
}

function recordOf({ timeMs, isEmpty, ...fields }: JsonObject): SecurityRecord {
  const of: Partial<EventHeader> = {
    ...(typeof timeMs === 'number' && { timeMs }),
    ...(typeof isEmpty === 'boolean' && { isEmpty }),
  }
  const base = { hits: 1, header: header(of) }
  switch (fields.kind) {
    case 'proc':
      return processRecord(fields, of)
    case 'conn':
      return connectionRecord(fields, of)
    case 'ports':
      return portsRecord(fields.ports as never, of)
    case 'fw':
      return firewallRecord(fields.rules as Partial<FirewallRule>[], of)
    case 'login': {
      const plain = { user: '', uid: '', remoteAddress: '', operation: '', exe: '' }
      return { ...base, ...plain, ...fields } as SecurityRecord
    }
    case 'hub': {
      const { timeMs: atMs } = base.header
      const plain = { sequence: 1, firstMs: atMs, lastMs: atMs, count: 1 }
      return hubRecord({ ...plain, ...(fields.event as object) } as HubEvent, atMs)
    }
    case 'users':
    case 'baseline':
    case 'dns':
    case 'agent':
      return { ...base, ...fields } as unknown as SecurityRecord
    case 'periph':
    case 'file': {
      const { kind, hits = 1, ...detail } = fields
      return { ...base, kind, hits, detail: renamed(detail) } as unknown as SecurityRecord
    }
    default:
      assert.fail(`no records of kind ${String(fields.kind)} in vectors`)
  }
}

/** A peripheral's own `kind` stands as `what`, since `kind` is the record's. */
function renamed({ what, ...detail }: JsonObject): JsonObject {
  return what === undefined ? detail : { kind: what, ...detail }
}
