import assert from 'node:assert/strict'
import { test } from 'node:test'
import { header } from '../../test/records.ts'
import { MemoryFindingStore } from '../adapters/memory/finding-store.ts'
import { NO_GROUPS } from '../groups/group-lookup.ts'
import type { IngestedMessage } from '../ingestion/pipeline.ts'
import { silentLog } from '../log.ts'
import type { RecommendationRule } from '../recommendations/rule.ts'
import { FindingEvaluator } from './evaluator.ts'
import type { Judge } from './noise/verdict.ts'

const broken: RecommendationRule = {
  type: {
    recommendationType: 'IoT_Broken',
    displayName: 'Broken',
    severity: 'Low',
    description: '',
    remediationSteps: [],
  } as unknown as RecommendationRule['type'],
  kinds: ['proc'],
  evaluate() {
    throw new Error('a bug in a rule')
  },
}

test('a recommendation rule that fails is logged, and the messages of all devices go on', async () => {
  const findings = new MemoryFindingStore()
  const logged: object[] = []
  const log = { ...silentLog, error: (fields: object) => void logged.push(fields) }
  const judge: Judge = {
    judge: async (finding) => ({ kind: 'raised', finding }),
    groupOf: async () => 'default',
  }
  const rules = {
    groups: NO_GROUPS,
    alerts: [],
    judge,
    recommendations: [broken],
  }
  const evaluator = new FindingEvaluator({ findings, log }, rules, () => {})
  const event = {
    header: header({ eventId: 'e1', name: 'ProcessCreate' }),
    payload: [{ CommandLine: 'ls' }],
  }
  const message = {
    ref: { deviceId: 'pump-1', moduleId: 'azureiotsecurity' },
    ...{ sequence: 7, enqueuedTimeMs: 1, body: new Uint8Array() },
  }
  const told = { schema: '1.0', agentVersion: '0.0.6', agentId: 'a' }
  const decoded = { ...told, events: [event], rejections: [] }
  await evaluator.evaluate([{ message, decoded } as unknown as IngestedMessage], 7)
  assert.equal(await findings.cursor(), 7)
  assert.equal(logged.length, 1)
  assert.match(JSON.stringify(logged[0]), /IoT_Broken.*pump-1/)
})
