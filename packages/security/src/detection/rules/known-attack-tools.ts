import type { ProcessRecord } from '../../ingestion/record.ts'
import { FIND_THE_WAY_IN, HAND_OVER } from '../advice.ts'
import type { Command } from '../command/command.ts'
import { type Clue, commandRule } from '../command-rule.ts'
import { ofLine } from '../explain/conditions.ts'
import type { AlertType, Rule } from '../rule.ts'
import { baseName } from '../sets/base-name.ts'

const type: AlertType = {
  number: 27,
  alertType: 'IoT_KnownAttackTools',
  displayName: 'Known attack tool detected',
  severity: 'Medium',
  intent: 'Execution',
  description:
    'A tool runs that is made to find and use weaknesses: it guesses passwords, scans networks or ' +
    'breaks into programs. Testers use the same tools as intruders.',
  remediationSteps: [
    'Check whether a security test is under way, and whether this device is part of it.',
    'If not, stop the tool and read its command line for its targets; warn whoever owns them.',
    'Find the account that ran it and everything else it ran.',
    FIND_THE_WAY_IN,
    HAND_OVER,
  ],
  techniques: ['T1588.002', 'T1110', 'T1046'],
}

/** Programs that are known as attack tools, started under their own name. */
export const knownAttackTools: Rule = commandRule(
  type,
  startsTool,
  ofLine([], 'a program is started under the name of a known attack tool'),
)

function startsTool({ segments }: Command, { exe }: ProcessRecord): Clue | undefined {
  const tool = toolIn(exe) ?? segments.map(({ path }) => toolIn(path)).find(Boolean)
  return tool === undefined ? undefined : { seen: `the attack tool ${tool} is started`, key: tool }
}

const TOOLS: ReadonlySet<string> = new Set([
  ...['hydra', 'medusa', 'ncrack', 'masscan', 'zmap', 'zgrab', 'zgrab2', 'sqlmap', 'msfconsole'],
  ...[
    'msfvenom',
    'john',
    'hashcat',
    'aircrack-ng',
    'airodump-ng',
    'nikto',
    'ettercap',
    'bettercap',
  ],
  ...['responder', 'crackmapexec', 'netexec', 'nxc', 'patator', 'hping3', 'slowloris', 'dsniff'],
  ...[
    'arpspoof',
    'evil-winrm',
    'wpscan',
    'gobuster',
    'dirbuster',
    'yersinia',
    'crowbar',
    'brutespray',
  ],
  ...['impacket-psexec', 'ffuf', 'feroxbuster', 'sliver-client', 'aireplay-ng', 'reaver', 'wifite'],
])

/** Endings under which the same tools are started as scripts. */
const ENDINGS = ['.py', '.pl', '.rb', '.sh', '.bin'] as const

function toolIn(path: string): string | undefined {
  if (path === '') return undefined
  const name = baseName(path)
  if (TOOLS.has(name)) return name
  if (name.startsWith('thc-')) return name
  const ending = name.includes('.') ? ENDINGS.find((each) => name.endsWith(each)) : undefined
  if (ending === undefined) return undefined
  const bare = name.slice(0, name.length - ending.length)
  return TOOLS.has(bare) ? bare : undefined
}
