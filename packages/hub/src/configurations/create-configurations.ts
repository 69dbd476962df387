import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Identities } from '../registry/identities.ts'
import type { Registry } from '../registry/registry.ts'
import { EDGE_MANAGER } from '../registry/system-modules.ts'
import { type ChangeEvents, NO_EVENTS } from '../routing/change-events.ts'
import { type DesiredReview, noReview } from '../twins/desired-review.ts'
import type { Twins } from '../twins/twins.ts'
import type { MayApply } from './compiled.ts'
import type { ConfigurationStore } from './configuration-store.ts'
import { Configurations } from './configurations.ts'
import { EdgeContent } from './edge-content.ts'
import { ConfigurationEngine } from './engine.ts'

export interface CreateConfigurationsPorts {
  readonly store: ConfigurationStore
  readonly registry: Registry
  readonly identities: Identities
  readonly twins: Twins
  readonly bus: EventBus
  readonly clock: Clock
  readonly log: Log
  readonly events?: ChangeEvents
  readonly review?: DesiredReview
  /** Default: at once. */
  readonly mayApply?: MayApply
}

/** The automatic configurations of a hub, and the writer of single edge devices. */
export function createConfigurations(ports: CreateConfigurationsPorts): {
  readonly configurations: Configurations
  readonly edgeContent: EdgeContent
} {
  const { identities, twins, events = NO_EVENTS, review = noReview } = ports
  const engine = new ConfigurationEngine(
    {
      ...ports,
      events,
      review,
      createModule: (ref) => identities.createModule(ref, { managedBy: EDGE_MANAGER }),
    },
    ports.mayApply,
  )
  return {
    configurations: new Configurations({ ...ports, review }, engine),
    edgeContent: new EdgeContent(identities, twins),
  }
}
