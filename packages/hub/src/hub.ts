import type { EventBus } from './bus.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import type { CloudMessages } from './messages/cloud-messages.ts'
import type { Telemetry } from './messages/telemetry.ts'
import type { Methods } from './methods/methods.ts'
import type { Authenticator } from './registry/authenticator.ts'
import type { HostNames } from './registry/host-names.ts'
import type { Identities } from './registry/identities.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { Twins } from './twins/twins.ts'

/** The services and the bus: all that a gateway is given. */
export interface Hub {
  readonly hostNames: HostNames
  readonly authenticator: Authenticator
  readonly identities: Identities
  readonly twins: Twins
  readonly telemetry: Telemetry
  readonly cloudMessages: CloudMessages
  readonly methods: Methods
  readonly sessions: Sessions
  readonly bus: EventBus
  readonly clock: Clock
  readonly log: Log
}
