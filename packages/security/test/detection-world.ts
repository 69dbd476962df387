import type { Era, JsonObject } from '@twinward/protocol'
import { MemoryFindingStore } from '../src/adapters/memory/finding-store.ts'
import { MemoryIndicatorStore } from '../src/adapters/memory/indicator-store.ts'
import { MemoryModuleStore } from '../src/adapters/memory/module-store.ts'
import { MemoryPlatform } from '../src/adapters/memory/platform.ts'
import { MemoryRuleSettingStore } from '../src/adapters/memory/rule-setting-store.ts'
import { MemorySigmaStore } from '../src/adapters/memory/sigma-store.ts'
import { MemorySuppressionStore } from '../src/adapters/memory/suppression-store.ts'
import type { FindingBatch } from '../src/data/finding-store.ts'
import { Detection } from '../src/detection/detection.ts'
import { FindingEvaluator } from '../src/detection/evaluator.ts'
import type { GroupLookup } from '../src/groups/group-lookup.ts'
import { DEFAULT_GROUP_SETTINGS, type GroupSettings } from '../src/groups/group-settings.ts'
import type { IngestedMessage } from '../src/ingestion/pipeline.ts'
import { silentLog } from '../src/log.ts'
import { securityGroupOf } from '../src/modules/security-group.ts'
import type { TwinPlatform } from '../src/platform.ts'
import { Serial } from '../src/serial.ts'
import { FakeClock } from './fake-clock.ts'
import { header } from './records.ts'

/** A finding store whose commits fail as long as a test wants. */
export class FlakyFindingStore extends MemoryFindingStore {
  isFailing = false

  override async commit(batch: FindingBatch) {
    if (this.isFailing) throw new Error('no commit now')
    return super.commit(batch)
  }
}

/** Groups whose settings a test changes as it goes. */
export class FakeGroups implements GroupLookup {
  settings: GroupSettings = DEFAULT_GROUP_SETTINGS
  readonly #platform: Pick<TwinPlatform, 'deviceTags'>

  constructor(platform: Pick<TwinPlatform, 'deviceTags'>) {
    this.#platform = platform
  }

  async groupOf(deviceId: string) {
    return securityGroupOf((await this.#platform.deviceTags(deviceId)) ?? {})
  }
  async settingsFor() {
    return this.settings
  }
  async rulesFor() {
    return []
  }
}

/** Everything from an event to an alert, on stores in memory, for devices `pump-1` to `pump-<n>`. */
export async function detectionWorld({ devices = 1, tags = {} as JsonObject } = {}) {
  const clock = new FakeClock()
  const platform = new MemoryPlatform(clock)
  for (let at = 1; at <= devices; at++) platform.addDevice(`pump-${at}`, tags)
  const findings = new FlakyFindingStore()
  const groups = new FakeGroups(platform)
  const stores = {
    modules: new MemoryModuleStore(),
    indicators: new MemoryIndicatorStore(),
    ruleSettings: new MemoryRuleSettingStore(),
    suppressions: new MemorySuppressionStore(),
    sigma: new MemorySigmaStore(),
  }
  const ports = { platform, findings, groups, ...stores, clock, log: silentLog }
  const changes = new Serial()
  const touched: string[] = []
  const touch = (deviceId: string) => void touched.push(deviceId)
  const detection = new Detection(ports, { changes, touched: touch })
  await detection.start()
  const rules = {
    ...{ groups, alerts: detection.rules, judge: detection.judge, recommendations: [] },
    sets: [detection.sigma.ruleSet],
  }
  const evaluator = new FindingEvaluator(ports, rules, touch)
  let sequence = 0

  /** A message with one event per payload; `sequence` of an earlier one sends it again. */
  const sendEvents = (
    name: string,
    payloads: readonly JsonObject[],
    { deviceId = 'pump-1', timeMs = clock.now(), again = 0, era = 'legacy' as Era } = {},
  ) =>
    changes.run(async () => {
      const place = again || ++sequence
      const events = payloads.map((payload, at) => ({
        header: header({
          ref: { deviceId, moduleId: 'azureiotsecurity' },
          era,
          ...{ eventId: `e${place}-${at}`, name, timeMs, sequence: place },
        }),
        payload: [payload],
      }))
      const told = { schema: '1.0' as const, agentVersion: '0.0.6', agentId: 'a' }
      const ref = { deviceId, moduleId: 'azureiotsecurity' }
      const message = { ref, sequence: place, enqueuedTimeMs: clock.now(), body: new Uint8Array() }
      const decoded = { ...told, events, rejections: [] }
      await evaluator.evaluate([{ message, decoded } as unknown as IngestedMessage], place)
      return place
    })
  const run = (CommandLine: string, options: Parameters<typeof sendEvents>[2] = {}) =>
    sendEvents('ProcessCreate', [{ CommandLine, UserName: 'root' }], options)
  const alerts = async () => (await findings.listAlerts({ limit: 1_000 })).items
  return { ...ports, changes, touch, detection, sendEvents, run, alerts, touched }
}
