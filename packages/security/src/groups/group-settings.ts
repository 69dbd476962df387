/** A recurring window in UTC. `days`: 0 Sunday … 6 Saturday; empty = every day. It may pass midnight. */
export interface WeeklyWindow {
  readonly days: readonly number[]
  /** Minutes after midnight, UTC. */
  readonly startMinute: number
  readonly durationMinutes: number
}

/** A window that is once. Times in ms since the epoch. */
export interface DatedWindow {
  readonly fromMs: number
  readonly toMs: number
  readonly reason: string
}

/** Hardware that is expected: every member that is present must be equal, whatever the case. */
export interface HardwareMatch {
  readonly bus?: string
  readonly class?: string
  readonly subclass?: string
  readonly protocol?: string
  /** `eth1`, of network adapters. */
  readonly interface?: string
  readonly vendorId?: string
  readonly productId?: string
}

/** What a security group says to rules and recommendations. All times in ms. */
export interface GroupSettings {
  /** Listeners that are wanted: `tcp/22`, `tcp/0.0.0.0:443`, `udp/*:5353`. */
  readonly allowedListeners: readonly string[]
  /** Hardware that raises no alert when it comes or goes. */
  readonly allowedHardware: readonly HardwareMatch[]
  /** While one of these is open, changes of watched files raise no alert. */
  readonly updateWindows: readonly WeeklyWindow[]
  /** Alerts of these times open as Resolved, with the reason as their note. */
  readonly maintenanceWindows: readonly DatedWindow[]
  /** Users whose compilations are expected. */
  readonly buildUsers: readonly string[]
  /** False: every new local account is suspicious. Default true. */
  readonly userChangesExpected: boolean
  /** So many failed local logins within the window raise the alert. Default 1, as the vendor had it. */
  readonly failedLogins: { readonly threshold: number; readonly windowMs: number }
  /** Severities as the vendor had them for one era's agents; absent = each rule's own. */
  readonly compat?: 'legacy' | 'micro'
  /** Rules that learn only collect until then; 0 = they do not learn. Default 0. */
  readonly learningUntilMs: number
}

/** What holds where nobody set anything. */
export const DEFAULT_GROUP_SETTINGS: GroupSettings = {
  allowedListeners: [],
  allowedHardware: [],
  updateWindows: [],
  maintenanceWindows: [],
  buildUsers: [],
  userChangesExpected: true,
  failedLogins: { threshold: 1, windowMs: 10 * 60_000 },
  learningUntilMs: 0,
}
