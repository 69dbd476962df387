import type { CommandEntry } from '../command.ts'
import { activityCommands } from './lists/activity.ts'
import { agentsCommands } from './lists/agents.ts'
import { baselineCommands } from './lists/baseline.ts'
import { eventsCommands } from './lists/events.ts'
import { findingsCommands } from './lists/findings.ts'
import { fleetCommands } from './lists/fleet.ts'
import { groupsCommands } from './lists/groups.ts'
import { hubCommands } from './lists/hub.ts'
import { jobsCommands } from './lists/jobs.ts'
import { lifecycleCommands } from './lists/lifecycle.ts'
import { notificationsCommands } from './lists/notifications.ts'
import { recommendationsCommands } from './lists/recommendations.ts'
import { rolloutsCommands } from './lists/rollouts.ts'
import { serverCommands } from './lists/server.ts'
import { sigmaCommands } from './lists/sigma.ts'

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  ...serverCommands,
  ...hubCommands,
  ...jobsCommands,
  ...fleetCommands,
  ...rolloutsCommands,
  ...eventsCommands,
  ...findingsCommands,
  ...activityCommands,
  ...groupsCommands,
  ...sigmaCommands,
  ...recommendationsCommands,
  ...lifecycleCommands,
  ...baselineCommands,
  ...notificationsCommands,
  ...agentsCommands,
]
