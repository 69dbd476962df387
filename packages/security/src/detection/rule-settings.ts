import { HubError } from '@twinward/protocol'
import type { Serial } from '../serial.ts'
import { CATALOGUE } from './catalogue.ts'
import { alertFlood } from './flood.ts'
import { type RuleSetting, type RuleSettings, RuleSwitches, WHOLE_HUB } from './switches.ts'

/** Security groups with settings of their own. */
export const MAX_GROUPS = 1000
/** Characters of a group's name. */
export const MAX_GROUP_CHARACTERS = 128

/**
 * What operators set for rules, by security group. Adapters: `adapters/memory`, `adapters/sqlite`;
 * each passes `test/contracts/rule-setting-store.ts`.
 */
export interface RuleSettingStore {
  /** Every group that has settings, the whole hub among them under `WHOLE_HUB`. */
  all(): Promise<readonly (readonly [group: string, settings: RuleSettings])[]>
  /** Replaces the settings of a group; empty ones are removed. Durable when it resolves. */
  put(group: string, settings: RuleSettings): Promise<void>
}

const TYPES: ReadonlySet<string> = new Set(CATALOGUE.map(({ alertType }) => alertType))

/** The switches of rules: off and severity, for the hub and for security groups. */
export class RuleSettingService {
  readonly #store: RuleSettingStore
  readonly #changes: Serial
  readonly #isLoaded: (alertType: string) => boolean
  readonly #switches: RuleSwitches
  #groups: ReadonlySet<string> = new Set()

  /**
   * @param changes  one after the other, as the evaluation of messages is
   * @param groupOf  the security group of a device, in lower case
   * @param isLoaded  whether an alert type is one of rules that operators loaded
   */
  constructor(
    store: RuleSettingStore,
    changes: Serial,
    groupOf: (deviceId: string) => Promise<string>,
    isLoaded: (alertType: string) => boolean = () => false,
  ) {
    this.#isLoaded = isLoaded
    this.#store = store
    this.#changes = changes
    this.#switches = new RuleSwitches(groupOf)
  }

  /** What a finding's verdict begins with. */
  get switches(): RuleSwitches {
    return this.#switches
  }

  async start(): Promise<void> {
    const all = await this.#store.all()
    for (const [group, settings] of all) this.#switches.put(group, settings)
    this.#groups = new Set(all.map(([group]) => group))
  }

  /** @param group  default: the whole hub */
  settingsOf(group = WHOLE_HUB): RuleSettings {
    return this.#switches.settingsOf(group.toLowerCase())
  }

  /** Groups with settings of their own, the whole hub left out. */
  groups(): readonly string[] {
    return [...this.#groups].filter((group) => group !== WHOLE_HUB).sort()
  }

  /**
   * Sets one rule for one group; an empty setting is none.
   *
   * @throws {HubError} `ArgumentInvalid` for the alert of floods, which cannot be set, and for a name
   *   of a group that is too long; `GenericNotFound` for an unknown rule; `IotHubQuotaExceeded`
   *   beyond `MAX_GROUPS`
   */
  async set(alertType: string, setting: RuleSetting, group = WHOLE_HUB): Promise<void> {
    if (alertType === alertFlood.alertType) {
      throw new HubError(
        'ArgumentInvalid',
        `${alertType} is what holds alerts back; it has no switch.`,
      )
    }
    const name = group.trim().toLowerCase()
    // What is set for a rule that was forgotten since can still be taken back.
    const isKnown = TYPES.has(alertType) || this.#isLoaded(alertType)
    if (!isKnown && this.#switches.settingsOf(name)[alertType] === undefined) {
      throw new HubError('GenericNotFound', `There is no rule ${alertType}.`)
    }
    if (name.length > MAX_GROUP_CHARACTERS) {
      throw new HubError('ArgumentInvalid', `group has at most ${MAX_GROUP_CHARACTERS} characters.`)
    }
    await this.#changes.run(async () => {
      if (!this.#groups.has(name) && this.#groups.size >= MAX_GROUPS) {
        throw new HubError('IotHubQuotaExceeded', `At most ${MAX_GROUPS} groups can have settings.`)
      }
      const { [alertType]: _, ...others } = this.#switches.settingsOf(name)
      const isSet = Object.keys(setting).length > 0
      const settings = isSet ? { ...others, [alertType]: setting } : others
      await this.#store.put(name, settings)
      this.#switches.put(name, settings)
      const groups = new Set(this.#groups)
      if (Object.keys(settings).length > 0) groups.add(name)
      else groups.delete(name)
      this.#groups = groups
    })
  }
}
