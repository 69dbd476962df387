import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Era, JsonObject } from '@twinward/protocol'
import { emptyMemory, header } from '../../test/records.ts'
import { MemoryFindingStore } from '../adapters/memory/finding-store.ts'
import { DEFAULT_GROUP_SETTINGS } from '../groups/group-settings.ts'
import { normalise } from '../ingestion/normalise.ts'
import { silentLog } from '../log.ts'
import { recommendationFamilies, recommendationRules } from './index.ts'
import { Round } from './round.ts'

interface Event {
  readonly name: string
  readonly era?: Era
  readonly payload: readonly JsonObject[]
}
type Vector = Event | { readonly events: readonly Event[] }

const folder = new URL('../../../../vectors/recommendations/', import.meta.url)
const rules = recommendationRules()
const families = recommendationFamilies()
const names = readdirSync(folder).filter((name) => name.endsWith('.json'))

test('vectors: every recommendation that records tell has a file, and every file one', () => {
  const types = [...rules, ...families].map(({ type }) => `${type.recommendationType}.json`)
  assert.deepEqual(names.sort(), types.sort())
})

/** The recommendations of this type, or family, that are active after the events. */
async function activeAfter(type: string, vector: Vector): Promise<number> {
  const findings = new MemoryFindingStore()
  const memory = emptyMemory()
  const events = 'events' in vector ? vector.events : [vector]
  for (const [at, { name, era = 'legacy', payload }] of events.entries()) {
    const round = new Round({ findings, log: silentLog }, { rules, families })
    const timeMs = 1_700_000_000_000 + at
    const of = { name, era, timeMs, receivedMs: timeMs, isEmpty: payload.length === 0 }
    for (const record of normalise({ header: header(of), payload })) {
      await round.take(record, memory, DEFAULT_GROUP_SETTINGS)
    }
    await findings.commit({ recommendations: round.changed() })
  }
  const { items } = await findings.listRecommendations({ state: 'Active', limit: 100 })
  return items.filter(
    ({ recommendationType }) =>
      recommendationType === type || recommendationType.startsWith(`${type}_`),
  ).length
}

for (const name of names) {
  const type = name.replace('.json', '')
  const file = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as {
    readonly fires: readonly Vector[]
    readonly quiet: readonly Vector[]
  }

  test(`${type}: opens by each that must fire, and by none that must be quiet`, async () => {
    assert.ok(file.fires.length > 0 && file.quiet.length > 0)
    for (const vector of file.fires) {
      assert.equal(await activeAfter(type, vector), 1, JSON.stringify(vector))
    }
    for (const vector of file.quiet) {
      assert.equal(await activeAfter(type, vector), 0, JSON.stringify(vector))
    }
  })
}
