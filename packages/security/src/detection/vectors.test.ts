import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { JsonObject } from '@twinward/protocol'
import { isJsonObject } from '@twinward/protocol'
import { connectionRecord, emptyMemory, firewallRecord, processRecord } from '../../test/records.ts'
import type { FirewallRule, SecurityRecord } from '../ingestion/record.ts'
import { evaluateRecords } from './evaluate.ts'
import type { Rule } from './rule.ts'
import { builtInRules, type Indicators } from './rules/index.ts'

interface VectorFile {
  readonly indicators?: Indicators
  readonly fires: readonly (string | JsonObject)[]
  readonly quiet: readonly (string | JsonObject)[]
}

const folder = new URL('../../../../vectors/detections/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.json'))

test('vectors: every rule has a file, and every file a rule', () => {
  const types = builtInRules().map(({ type }) => `${type.alertType}.json`)
  assert.deepEqual([...files].sort(), [...types].sort())
})

for (const file of files) {
  const { indicators, fires, quiet } = readVectors(file)
  const rule = builtInRules(indicators).find(({ type }) => `${type.alertType}.json` === file)

  test(`${file}: every line that must fire does, once`, () => {
    assert.ok(rule)
    assert.ok(fires.length > 0)
    const missed = fires.filter((vector) => findsInLast(rule, vector) !== 1)
    assert.deepEqual(missed, [])
  })

  test(`${file}: every line that must be quiet is`, () => {
    assert.ok(rule)
    assert.ok(quiet.length > 0)
    const wrong = quiet.filter((vector) => findsInLast(rule, vector) !== 0)
    assert.deepEqual(wrong, [])
  })
}

function readVectors(file: string): VectorFile {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as VectorFile
}

/** How many findings the rule has in the last record of a vector. */
function findsInLast(rule: Rule, vector: string | JsonObject): number {
  const records = recordsOf(vector)
  const findings = evaluateRecords(records, [rule], emptyMemory())
  return findings.filter(({ record }) => record === records.at(-1)).length
}

function recordsOf(vector: string | JsonObject): readonly SecurityRecord[] {
  if (typeof vector === 'string') return [processRecord({ cmd: vector })]
  if (!Array.isArray(vector.records)) return [recordOf(vector)]
  return vector.records.filter(isJsonObject).map(recordOf)
}

function recordOf({ timeMs, isEmpty, ...fields }: JsonObject): SecurityRecord {
  const header = {
    ...(typeof timeMs === 'number' && { timeMs }),
    ...(typeof isEmpty === 'boolean' && { isEmpty }),
  }
  if (fields.kind === 'proc') return processRecord(fields, header)
  if (fields.kind === 'conn') return connectionRecord(fields, header)
  assert.equal(fields.kind, 'fw')
  assert.ok(Array.isArray(fields.rules))
  return firewallRecord(fields.rules as Partial<FirewallRule>[], header)
}
