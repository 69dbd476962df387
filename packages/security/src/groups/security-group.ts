import type { GroupSettings } from './group-settings.ts'
import {
  ALLOWLIST_RULE_TYPES,
  type AllowlistRuleName,
  DENYLIST_RULE_TYPES,
  type DenylistRuleName,
  THRESHOLD_RULE_TYPES,
  type ThresholdRuleName,
  TIME_WINDOW_RULE_TYPES,
  type TimeWindowRuleName,
} from './rule-types.ts'

/** Raises its alert when the count of a window is below `minThreshold` or above `maxThreshold`. */
export interface TimeWindowRule {
  readonly ruleType: TimeWindowRuleName
  readonly isEnabled: boolean
  readonly minThreshold: number
  readonly maxThreshold: number
  /** On the wire `timeWindowSize`, an ISO 8601 duration. Windows are aligned to the epoch in UTC. */
  readonly timeWindowMs: number
}

export interface AllowlistRule {
  readonly ruleType: AllowlistRuleName
  readonly isEnabled: boolean
  /** Networks canonical, each value once. */
  readonly allowlistValues: readonly string[]
}

export interface DenylistRule {
  readonly ruleType: DenylistRuleName
  readonly isEnabled: boolean
  /** Networks and names canonical, each value once. */
  readonly denylistValues: readonly string[]
}

/** Raises its alert when a snapshot counts less than `minThreshold` or more than `maxThreshold`. */
export interface ThresholdRule {
  readonly ruleType: ThresholdRuleName
  readonly isEnabled: boolean
  readonly minThreshold: number
  readonly maxThreshold: number
}

/** The four kinds of rules; each has every rule type once, in the order of `RULE_TYPES`. */
export interface GroupRules {
  readonly timeWindowRules: readonly TimeWindowRule[]
  readonly allowlistRules: readonly AllowlistRule[]
  readonly denylistRules: readonly DenylistRule[]
  readonly thresholdRules: readonly ThresholdRule[]
}

/** A named set of devices that share custom alerts and settings; a twin tag names it. */
export interface SecurityGroup extends GroupRules {
  /** Lower case, as names are compared without case. */
  readonly name: string
  readonly settings: GroupSettings
  /** Grows by one with every change. */
  readonly version: number
  /** Never the same again, not even for a group that is made anew under its name. */
  readonly etag: string
  readonly changedMs: number
  /** The policy that changed it last. */
  readonly by: string
}

/** The most that a threshold can be: 2³¹ − 1, as published. */
export const MAX_THRESHOLD = 2 ** 31 - 1
export const MIN_WINDOW_MS = 60_000
export const MAX_WINDOW_MS = 24 * 3_600_000
/** As the published service had it. */
export const DEFAULT_WINDOW_MS = 15 * 60_000
/** Values of one list. */
export const MAX_LIST_VALUES = 1000
/** Characters of one value of a list. */
export const MAX_VALUE_CHARACTERS = 1024
/** Groups of one hub. */
export const MAX_GROUPS = 1000
/** Bytes of the JSON of one group, and of all of them: they are kept in memory. */
export const MAX_GROUP_BYTES = 512 * 1024
export const MAX_ALL_GROUPS_BYTES = 64 * 1024 * 1024

/** Every rule type, disabled and with defaults. */
export const NO_RULES: GroupRules = {
  timeWindowRules: TIME_WINDOW_RULE_TYPES.map(({ ruleType }) => ({
    ruleType,
    isEnabled: false,
    minThreshold: 0,
    maxThreshold: 0,
    timeWindowMs: DEFAULT_WINDOW_MS,
  })),
  allowlistRules: ALLOWLIST_RULE_TYPES.map(({ ruleType }) => ({
    ruleType,
    isEnabled: false,
    allowlistValues: [],
  })),
  denylistRules: DENYLIST_RULE_TYPES.map(({ ruleType }) => ({
    ruleType,
    isEnabled: false,
    denylistValues: [],
  })),
  thresholdRules: THRESHOLD_RULE_TYPES.map(({ ruleType }) => ({
    ruleType,
    isEnabled: false,
    minThreshold: 0,
    maxThreshold: 0,
  })),
}

/** What somebody writes of a group. */
export interface GroupDraft extends GroupRules {
  /** Absent: those that the group has stay. */
  readonly settings?: GroupSettings
}

/** What of a group the rules are. */
export function rulesOf(group: GroupRules): GroupRules {
  const { timeWindowRules, allowlistRules, denylistRules, thresholdRules } = group
  return { timeWindowRules, allowlistRules, denylistRules, thresholdRules }
}
