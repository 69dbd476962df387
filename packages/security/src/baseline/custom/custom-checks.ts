import type { CheckSeverity } from '../baseline.ts'
import type { Argument, CheckCommand } from './commands.ts'

/** The name of the format and its version. */
export const FORMAT = 'twinward-baseline-checks/1'
export const MAX_AUDITS = 1_000
/** One for each kind of distribution. */
export const MAX_VARIANTS = 50
/** Of one text; longer ones are cut. */
export const MAX_AUDIT_TEXT_CHARACTERS = 2_048
/** Of an argument, an id. */
export const MAX_ARGUMENT_CHARACTERS = 2_048
export const MAX_ID_CHARACTERS = 128

/** How a check is carried out on some distributions; the first that applies counts. */
export interface CheckVariant extends Partial<Readonly<Record<Argument, string>>> {
  readonly distro: string
  readonly command: CheckCommand
  /** The check is skipped where this file is not there. */
  readonly dependsOnFile?: string
  /** Why agents report an error instead: a pattern that no linear engine reads. */
  readonly unsupported?: string
}

export interface CustomCheck {
  readonly msid: string
  readonly cceid?: string
  readonly ruleId?: string
  readonly severity: CheckSeverity
  readonly description: string
  readonly impact?: string
  readonly remediation?: string
  readonly variants: readonly CheckVariant[]
}

/** Checks of an operator's own, as agents get them: the successor of the vendor's XML. */
export interface CustomChecks {
  readonly format: typeof FORMAT
  readonly baselineId: string
  readonly checks: readonly CustomCheck[]
}

/** What an import came to. */
export interface ImportedChecks {
  readonly document: CustomChecks
  /** What a person should know: with the place of each. */
  readonly warnings: readonly string[]
}
