import type { CommandEntry } from '../../command.ts'

/** Commands on event readers and routes, in the order of the help. */
export const eventsCommands: readonly CommandEntry[] = [
  {
    name: 'monitor events',
    summary: 'Print what devices send, as it comes.',
    load: async () => (await import('../monitor-events.ts')).monitorEvents,
  },
  {
    name: 'monitor feedback',
    summary: 'Print what becomes of cloud-to-device messages, as it happens.',
    load: async () => (await import('../monitor-feedback.ts')).monitorFeedback,
  },
  {
    name: 'consumer-group list',
    summary: 'List the groups of event readers.',
    load: async () => (await import('../consumer-group-list.ts')).consumerGroupList,
  },
  {
    name: 'consumer-group create',
    summary: 'Create a group of event readers.',
    load: async () => (await import('../consumer-group-create.ts')).consumerGroupCreate,
  },
  {
    name: 'consumer-group delete',
    summary: 'Delete a group and disconnect its readers.',
    load: async () => (await import('../consumer-group-delete.ts')).consumerGroupDelete,
  },
  {
    name: 'route list',
    summary: 'List the routes that decide which events are stored.',
    load: async () => (await import('../route-list.ts')).routeList,
  },
  {
    name: 'route create',
    summary: 'Create or replace a route.',
    load: async () => (await import('../route-create.ts')).routeCreate,
  },
  {
    name: 'route delete',
    summary: 'Delete a route.',
    load: async () => (await import('../route-delete.ts')).routeDelete,
  },
  {
    name: 'route test',
    summary: 'Find out which routes would take a message.',
    load: async () => (await import('../route-test.ts')).routeTest,
  },
  {
    name: 'enrichment list',
    summary: 'List the properties that are added to events.',
    load: async () => (await import('../enrichment-list.ts')).enrichmentList,
  },
  {
    name: 'enrichment set',
    summary: 'Add a property to all events.',
    load: async () => (await import('../enrichment-set.ts')).enrichmentSet,
  },
  {
    name: 'enrichment delete',
    summary: 'Stop adding a property to events.',
    load: async () => (await import('../enrichment-delete.ts')).enrichmentDelete,
  },
]
