import type { Activity } from './activity/activity.ts'
import type { EventBus } from './bus.ts'
import type { Clock } from './clock.ts'
import type { Configurations } from './configurations/configurations.ts'
import type { EdgeContent } from './configurations/edge-content.ts'
import type { Jobs } from './jobs/jobs.ts'
import type { Log } from './log.ts'
import type { CloudMessages } from './messages/cloud-messages.ts'
import type { EventReaders } from './messages/event-readers.ts'
import type { Feedback } from './messages/feedback.ts'
import type { Retention } from './messages/retention.ts'
import type { Telemetry } from './messages/telemetry.ts'
import type { Methods } from './methods/methods.ts'
import type { IpFilter } from './network/ip-filter.ts'
import type { ObservedAddresses } from './network/observed-addresses.ts'
import type { Provisioning } from './provisioning/provisioning.ts'
import type { Authenticator } from './registry/authenticator.ts'
import type { Bulk } from './registry/bulk.ts'
import type { Certificates } from './registry/certificates.ts'
import type { HostNames } from './registry/host-names.ts'
import type { Identities } from './registry/identities.ts'
import type { ModuleCredentials } from './registry/module-credentials.ts'
import type { ModuleKeys } from './registry/module-keys.ts'
import type { Permissions } from './registry/permissions.ts'
import type { RegistryJobs } from './registry/registry-jobs.ts'
import type { RegistryTransfer } from './registry/registry-transfer.ts'
import type { SecurityEnrollment } from './registry/security-enrollment.ts'
import type { Rollouts } from './rollouts/rollouts.ts'
import type { ConnectionEvents } from './routing/connection-events.ts'
import type { Routing } from './routing/routing.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { Queries } from './twins/query/queries.ts'
import type { Twins } from './twins/twins.ts'

/** The services and the bus: all that a gateway is given. */
export interface Hub {
  readonly hostNames: HostNames
  readonly ipFilter: IpFilter
  readonly observedAddresses: ObservedAddresses
  readonly authenticator: Authenticator
  readonly certificates: Certificates
  readonly identities: Identities
  readonly bulk: Bulk
  readonly registryTransfer: RegistryTransfer
  readonly registryJobs: RegistryJobs
  readonly moduleKeys: ModuleKeys
  readonly moduleCredentials: ModuleCredentials
  readonly securityEnrollment: SecurityEnrollment
  readonly permissions: Permissions
  readonly twins: Twins
  readonly configurations: Configurations
  readonly rollouts: Rollouts
  readonly edgeContent: EdgeContent
  readonly queries: Queries
  readonly jobs: Jobs
  readonly telemetry: Telemetry
  readonly retention: Retention
  readonly routing: Routing
  readonly connectionEvents: ConnectionEvents
  readonly events: EventReaders
  readonly cloudMessages: CloudMessages
  readonly feedback: Feedback
  readonly methods: Methods
  readonly sessions: Sessions
  readonly provisioning: Provisioning
  readonly activity: Activity
  readonly bus: EventBus
  readonly clock: Clock
  readonly log: Log
}
