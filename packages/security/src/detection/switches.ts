import type { Severity } from './alert.ts'
import type { Finding } from './evaluate.ts'

/** What an operator says about one rule. */
export interface RuleSetting {
  /** Default `true`. */
  readonly isEnabled?: boolean
  /** In place of the rule's own, whatever it found. */
  readonly severity?: Severity
}

/** Settings of rules by alert type. */
export interface RuleSettings {
  readonly [alertType: string]: RuleSetting
}

/** The name under which the settings of the whole hub are kept; no group can have it. */
export const WHOLE_HUB = ''

/**
 * Which rules are off and which severity the others have: per security group, else per hub, else as
 * the rule says. Each of the two is looked for by itself, so a group that only changes a severity
 * leaves a rule off that is off for the hub.
 */
export class RuleSwitches {
  readonly #groupOf: (deviceId: string) => Promise<string>
  readonly #byGroup = new Map<string, RuleSettings>()

  /** @param groupOf  the security group of a device, in lower case */
  constructor(groupOf: (deviceId: string) => Promise<string>) {
    this.#groupOf = groupOf
  }

  /** @param group  in lower case, or `WHOLE_HUB` */
  put(group: string, settings: RuleSettings): void {
    if (Object.keys(settings).length === 0) this.#byGroup.delete(group)
    else this.#byGroup.set(group, settings)
  }

  settingsOf(group: string): RuleSettings {
    return this.#byGroup.get(group) ?? {}
  }

  /** The finding with the severity that is set; for a rule that is off, where: group or `WHOLE_HUB`. */
  async apply(finding: Finding): Promise<Finding | string> {
    const { alertType } = finding.rule.type
    const hub = this.settingsOf(WHOLE_HUB)[alertType]
    const [name, group] = await this.#groupSetting(finding.record.header.ref.deviceId, alertType)
    if (!hub && !group) return finding
    const { isEnabled = true, severity }: RuleSetting = { ...hub, ...group }
    if (!isEnabled) return group?.isEnabled === false ? name : WHOLE_HUB
    return severity === undefined ? finding : { ...finding, match: { ...finding.match, severity } }
  }

  async #groupSetting(
    deviceId: string,
    alertType: string,
  ): Promise<readonly [group: string, setting: RuleSetting | undefined]> {
    // Most hubs have none, and then nobody is asked for the device's tags.
    const isSet = [...this.#byGroup].some(([group, all]) => group !== WHOLE_HUB && all[alertType])
    if (!isSet) return [WHOLE_HUB, undefined]
    const group = await this.#groupOf(deviceId)
    return [group, this.settingsOf(group)[alertType]]
  }
}
