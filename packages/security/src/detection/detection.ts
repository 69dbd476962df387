import type { Clock } from '../clock.ts'
import type { FindingStore } from '../data/finding-store.ts'
import type { NoiseReader } from '../data/noise.ts'
import type { GroupLookup } from '../groups/group-lookup.ts'
import type { Log } from '../log.ts'
import type { ModuleStore } from '../modules/module-store.ts'
import type { TwinPlatform } from '../platform.ts'
import type { Serial } from '../serial.ts'
import { ConfigurationWatch } from './configuration-watch.ts'
import { hubAlertTypes } from './hub/index.ts'
import type { IndicatorStore } from './indicators/indicator-store.ts'
import { Indicators } from './indicators/indicators.ts'
import type { Judge } from './noise/verdict.ts'
import { Verdicts } from './noise/verdicts.ts'
import type { AlertType, Rule } from './rule.ts'
import { RuleSettingService, type RuleSettingStore } from './rule-settings.ts'
import { builtInRules } from './rules/index.ts'
import { SigmaRules } from './sigma/sigma-rules.ts'
import type { SigmaStore } from './sigma/sigma-store.ts'
import { deviceSilent, SilenceWatch } from './silence.ts'
import type { SuppressionStore } from './suppressions/suppression-store.ts'
import { Suppressions } from './suppressions/suppressions.ts'

/** Of the devices that a group has: what so many show is usual. */
export const USUAL_SHARE = 0.2

interface Ports {
  readonly platform: TwinPlatform
  readonly findings: FindingStore
  readonly modules: ModuleStore
  readonly indicators: IndicatorStore
  readonly ruleSettings: RuleSettingStore
  readonly suppressions: SuppressionStore
  readonly sigma: SigmaStore
  readonly groups: GroupLookup
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
  readonly suppressions: Suppressions
  /** Rules that operators loaded, beside the built-in ones. */
  readonly sigma: SigmaRules
  /** Asked by everything that raises alerts. */
  readonly judge: Judge
  readonly #noise: NoiseReader
  readonly #silence: SilenceWatch
  readonly #refusals: ConfigurationWatch

  constructor(ports: Ports, options: Options) {
    const { ruleSettings } = ports
    const { changes } = options
    this.#noise = ports.findings.noise
    this.indicators = new Indicators(ports, changes)
    this.rules = builtInRules(this.indicators.lookup)
    const groupOf = (deviceId: string) => ports.groups.groupOf(deviceId)
    this.sigma = new SigmaRules(ports, changes)
    const isLoaded = (alertType: string) => this.sigma.hasType(alertType)
    this.settings = new RuleSettingService(ruleSettings, changes, groupOf, isLoaded)
    this.suppressions = new Suppressions(ports, { ...options, groupOf })
    const { switches } = this.settings
    const { suppressions } = this
    this.judge = new Verdicts({ switches, groups: ports.groups, suppressions })
    const watching = { ...options, judge: this.judge }
    this.#silence = new SilenceWatch(ports, watching)
    this.#refusals = new ConfigurationWatch(ports, watching)
  }

  /** Every built-in alert, by its number in the catalogue. */
  get types(): readonly AlertType[] {
    const types = [...this.rules.map(({ type }) => type), deviceSilent, ...hubAlertTypes]
    return types.sort((a, b) => a.number - b.number)
  }

  /**
   * What a group showed while it learned and is usual there, so that it may be suppressed: values of
   * at least `USUAL_SHARE` of its devices.
   */
  proposals(group: string): ReturnType<NoiseReader['learned']> {
    return this.#noise.learned(group.trim().toLowerCase(), (devices) =>
      Math.max(1, Math.ceil(devices * USUAL_SHARE)),
    )
  }

  /** Reads what operators set; to be called before messages are taken. */
  async start(): Promise<void> {
    await this.settings.start()
    await this.suppressions.start()
    await this.indicators.start()
    await this.sigma.start()
    this.#silence.start()
    this.#refusals.start()
  }

  async close(): Promise<void> {
    this.indicators.close()
    await Promise.all([this.#silence.close(), this.#refusals.close()])
  }
}
