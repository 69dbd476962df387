import type { CommandEntry } from '../../command.ts'

/** Commands on what the security service finds, in the order of the help. */
export const findingsCommands: readonly CommandEntry[] = [
  {
    name: 'security',
    summary: 'Security module twins, alerts, recommendations and events; --attach: of another hub.',
    load: async () => (await import('../security-attach.ts')).securityAttach,
  },
  {
    name: 'security status',
    summary: 'Show the security of the whole fleet in numbers.',
    load: async () => (await import('../security-status.ts')).securityStatus,
  },
  {
    name: 'security alerts',
    summary: 'List alerts, newest first.',
    load: async () => (await import('../security-alerts.ts')).securityAlerts,
  },
  {
    name: 'security alerts show',
    summary: 'Show an alert with its evidence and what to do about it.',
    load: async () => (await import('../security-alerts-show.ts')).securityAlertsShow,
  },
  {
    name: 'security alerts update',
    summary: 'Change the status or assignee of an alert, add a note.',
    load: async () => (await import('../security-alerts-update.ts')).securityAlertsUpdate,
  },
  {
    name: 'security recommendations',
    summary: 'List recommendations, newest change first.',
    load: async () => (await import('../security-recommendations.ts')).securityRecommendations,
  },
  {
    name: 'security events',
    summary: 'List raw security events, newest first.',
    load: async () => (await import('../security-events.ts')).securityEvents,
  },
  {
    name: 'security rejected',
    summary: 'List refused messages and events, newest first.',
    load: async () => (await import('../security-rejected.ts')).securityRejected,
  },
  {
    name: 'security ingestion',
    summary: 'Show how many security events of a device came, counted and were lost to limits.',
    load: async () => (await import('../security-ingestion.ts')).securityIngestion,
  },
  {
    name: 'security send',
    summary: 'Send a security event of your own.',
    load: async () => (await import('../security-send.ts')).securitySend,
  },
  {
    name: 'security schema list',
    summary: 'List the schemas of custom security events.',
    load: async () => (await import('../security-schema-list.ts')).securitySchemaList,
  },
  {
    name: 'security schema set',
    summary: 'Add a custom security event or replace its schema.',
    load: async () => (await import('../security-schema-set.ts')).securitySchemaSet,
  },
  {
    name: 'security schema delete',
    summary: 'Forget the schema of a custom security event.',
    load: async () => (await import('../security-schema-delete.ts')).securitySchemaDelete,
  },
  {
    name: 'security indicator list',
    summary: 'List the indicators of the imported lists.',
    load: async () => (await import('../security-indicator-list.ts')).securityIndicatorList,
  },
  {
    name: 'security indicator import',
    summary: 'Import a list of bad addresses, domains, URLs, hashes or miner pools.',
    load: async () => (await import('../security-indicator-import.ts')).securityIndicatorImport,
  },
  {
    name: 'security indicator delete',
    summary: 'Forget an indicator, or a whole list.',
    load: async () => (await import('../security-indicator-delete.ts')).securityIndicatorDelete,
  },
  {
    name: 'security rule list',
    summary: 'List the built-in rules and what is set for them.',
    load: async () => (await import('../security-rule-list.ts')).securityRuleList,
  },
  {
    name: 'security rule set',
    summary: 'Switch a rule off or change its severity.',
    load: async () => (await import('../security-rule-set.ts')).securityRuleSet,
  },
]
