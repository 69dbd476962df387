import type { CommandEntry } from '../command.ts'
import { agentsCommands } from './lists/agents.ts'
import { eventsCommands } from './lists/events.ts'
import { findingsCommands } from './lists/findings.ts'
import { hubCommands } from './lists/hub.ts'
import { serverCommands } from './lists/server.ts'

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  ...serverCommands,
  ...hubCommands,
  ...eventsCommands,
  ...findingsCommands,
  ...agentsCommands,
]
