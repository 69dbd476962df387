import type { CommandEntry } from '../../command.ts'

/** Commands on who is told of findings, in the order of the help. */
export const notificationsCommands: readonly CommandEntry[] = [
  {
    name: 'security watch',
    summary: 'Follow new and changed findings as they come.',
    load: async () => (await import('../security-watch.ts')).securityWatch,
  },
  {
    name: 'security drill',
    summary: 'Try the whole way from an event to a notification, and say where it breaks.',
    load: async () => (await import('../security-drill.ts')).securityDrill,
  },
  {
    name: 'security notify status',
    summary: 'Show how each channel of notifications does.',
    load: async () => (await import('../security-notify-status.ts')).securityNotifyStatus,
  },
  {
    name: 'security notify channel add',
    summary: 'Add a channel: webhook, e-mail, syslog or NATS.',
    load: async () => (await import('../security-notify-channel-add.ts')).securityNotifyChannelAdd,
  },
  {
    name: 'security notify channel list',
    summary: 'List the channels of notifications.',
    load: async () =>
      (await import('../security-notify-channel-list.ts')).securityNotifyChannelList,
  },
  {
    name: 'security notify channel show',
    summary: 'Show a channel, secrets masked.',
    load: async () =>
      (await import('../security-notify-channel-show.ts')).securityNotifyChannelShow,
  },
  {
    name: 'security notify channel update',
    summary: 'Change the settings of a channel, disable or enable it.',
    load: async () =>
      (await import('../security-notify-channel-update.ts')).securityNotifyChannelUpdate,
  },
  {
    name: 'security notify channel delete',
    summary: 'Remove a channel and what waits for it.',
    load: async () =>
      (await import('../security-notify-channel-delete.ts')).securityNotifyChannelDelete,
  },
  {
    name: 'security notify channel test',
    summary: 'Send a test to a channel.',
    load: async () =>
      (await import('../security-notify-channel-test.ts')).securityNotifyChannelTest,
  },
  {
    name: 'security notify route add',
    summary: 'Send findings to channels.',
    load: async () => (await import('../security-notify-route-add.ts')).securityNotifyRouteAdd,
  },
  {
    name: 'security notify route list',
    summary: 'List which findings go to which channels.',
    load: async () => (await import('../security-notify-route-list.ts')).securityNotifyRouteList,
  },
  {
    name: 'security notify route update',
    summary: 'Change a route, disable or enable it.',
    load: async () =>
      (await import('../security-notify-route-update.ts')).securityNotifyRouteUpdate,
  },
  {
    name: 'security notify route delete',
    summary: 'Remove a route.',
    load: async () =>
      (await import('../security-notify-route-delete.ts')).securityNotifyRouteDelete,
  },
  {
    name: 'security notify dead-letters',
    summary: 'List notifications that were given up.',
    load: async () =>
      (await import('../security-notify-dead-letters.ts')).securityNotifyDeadLetters,
  },
  {
    name: 'security notify dead-letters retry',
    summary: 'Queue dead letters again.',
    load: async () =>
      (await import('../security-notify-dead-letters-retry.ts')).securityNotifyDeadLettersRetry,
  },
  {
    name: 'security notify dead-letters discard',
    summary: 'Discard dead letters.',
    load: async () =>
      (await import('../security-notify-dead-letters-discard.ts')).securityNotifyDeadLettersDiscard,
  },
]
