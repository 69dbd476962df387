import type { Rule } from '../rule.ts'
import { binaryCommandLine } from './binary-command-line.ts'
import { clearHistoryFile } from './clear-history-file.ts'
import { cryptoMiner, type MinerPool } from './crypto-miner.ts'
import { disableFirewall } from './disable-firewall.ts'
import { reverseShell } from './reverse-shell.ts'

/** Lists that operators maintain for rules; empty unless given. */
export interface Indicators {
  readonly minerPools?: readonly MinerPool[]
}

/**
 * Every built-in rule, by its number in the catalogue. A further rule is one file and one line
 * here.
 */
export function builtInRules({ minerPools = [] }: Indicators = {}): readonly Rule[] {
  return [
    binaryCommandLine,
    disableFirewall,
    reverseShell,
    cryptoMiner(minerPools),
    clearHistoryFile,
  ]
}
