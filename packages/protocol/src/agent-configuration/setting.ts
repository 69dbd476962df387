import type { AgentKind, Era } from './eras.ts'

export type SettingValue = string | number | boolean

/** Settings by name. Durations, lists and intervals stay in their text form. */
export type Settings = { readonly [name: string]: SettingValue }

/** What a value may be. Plain data: the API can show it, a console build forms of it. */
export type SettingType =
  | { readonly type: 'boolean' }
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  /** ISO 8601 text. */
  | { readonly type: 'duration'; readonly minMs: number; readonly maxMs: number }
  /** Written as spelled here, read without case. */
  | { readonly type: 'choice'; readonly choices: readonly string[] }
  /** `pattern` is a regular expression's source. */
  | { readonly type: 'text'; readonly pattern?: string; readonly maxCharacters: number }
  /** Comma-separated; order and blanks mean nothing. */
  | { readonly type: 'list'; readonly maxCharacters: number }
  /** `"<high>,<medium>,<low>"` in minutes. */
  | { readonly type: 'intervals' }

/** One setting of an agent. */
export type Setting = SettingType & {
  readonly name: string
  /** What an agent does without the setting; `null`: nothing. */
  readonly default: SettingValue | null
  /** Defaults of agents that differ from the published one. */
  readonly agentDefaults?: { readonly [kind in AgentKind]?: SettingValue }
  /** `bytes`, `events`, …; empty when the value needs none. */
  readonly unit: string
  readonly eras: readonly Era[]
  /** The agents that implement it. */
  readonly agents: readonly AgentKind[]
  /** Eras whose published default configuration contains it. */
  readonly publishedIn: readonly Era[]
  /** Writing it can run commands as root on the device. */
  readonly privileged: boolean
  /** One line for a person. */
  readonly description: string
}

/** Durations below are refused: an agent would be busy with nothing but sending. */
export const MIN_DURATION_MS = 10_000
/** Durations above are refused; the C agent's own limit is 49.7 days. */
export const MAX_DURATION_MS = 30 * 24 * 3_600_000
