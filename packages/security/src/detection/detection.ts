import type { Clock } from '../clock.ts'
import type { FindingStore } from '../data/finding-store.ts'
import type { Log } from '../log.ts'
import type { ModuleStore } from '../modules/module-store.ts'
import { securityGroupOf } from '../modules/security-group.ts'
import type { TwinPlatform } from '../platform.ts'
import type { Serial } from '../serial.ts'
import { ConfigurationWatch } from './configuration-watch.ts'
import type { IndicatorStore } from './indicators/indicator-store.ts'
import { Indicators } from './indicators/indicators.ts'
import type { AlertType, Rule } from './rule.ts'
import { RuleSettingService, type RuleSettingStore } from './rule-settings.ts'
import { builtInRules } from './rules/index.ts'
import { deviceSilent, SilenceWatch } from './silence.ts'

interface Ports {
  readonly platform: TwinPlatform
  readonly findings: FindingStore
  readonly modules: ModuleStore
  readonly indicators: IndicatorStore
  readonly ruleSettings: RuleSettingStore
  readonly clock: Clock
  readonly log: Log
}

interface Options {
  /** Changes of findings are made one after the other. */
  readonly changes: Serial
  /** Told of every device whose findings changed. */
  readonly touched: (deviceId: string) => void
  /** Default `SILENCE_LIMIT_MS`. */
  readonly silentAfterMs?: number
}

/** The rules with the lists that they read, their switches, and the watches on what no event tells. */
export class Detection {
  readonly indicators: Indicators
  readonly settings: RuleSettingService
  readonly rules: readonly Rule[]
  readonly #silence: SilenceWatch
  readonly #refusals: ConfigurationWatch

  constructor(ports: Ports, options: Options) {
    const { platform, modules, ruleSettings } = ports
    const { changes } = options
    this.indicators = new Indicators(ports, changes)
    this.rules = builtInRules(this.indicators.lookup)
    this.settings = new RuleSettingService(ruleSettings, changes, async (deviceId) => {
      const [tags = {}, record] = await Promise.all([
        platform.deviceTags(deviceId),
        modules.find(deviceId),
      ])
      return securityGroupOf(tags, record?.kept?.tags)
    })
    const watching = { ...options, filter: this.settings.filter }
    this.#silence = new SilenceWatch(ports, watching)
    this.#refusals = new ConfigurationWatch(ports, watching)
  }

  /** Every built-in alert, by its number in the catalogue. */
  get types(): readonly AlertType[] {
    return [...this.rules.map(({ type }) => type), deviceSilent].sort((a, b) => a.number - b.number)
  }

  /** Reads what operators set; to be called before messages are taken. */
  async start(): Promise<void> {
    await this.settings.start()
    await this.indicators.start()
    this.#silence.start()
    this.#refusals.start()
  }

  async close(): Promise<void> {
    this.indicators.close()
    await Promise.all([this.#silence.close(), this.#refusals.close()])
  }
}
