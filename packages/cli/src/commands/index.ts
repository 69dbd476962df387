import type { CommandEntry } from '../command.ts'

/** Every command, in the order of the help. */
export const commands: readonly CommandEntry[] = [
  {
    name: 'up',
    summary: 'Run hub, security service and console in this process.',
    load: async () => (await import('./up.ts')).up,
  },
  {
    name: 'connection-string',
    summary: 'Print the connection string of a policy, device or module.',
    load: async () => (await import('./connection-string.ts')).connectionString,
  },
  {
    name: 'ca',
    summary: 'Print the path of the CA certificate that clients need to trust.',
    load: async () => (await import('./ca.ts')).ca,
  },
  {
    name: 'ca add',
    summary: 'Register a CA for X.509 devices.',
    load: async () => (await import('./ca-add.ts')).caAdd,
  },
  {
    name: 'ca verify',
    summary: 'Prove possession of a CA that was registered unverified.',
    load: async () => (await import('./ca-verify.ts')).caVerify,
  },
  {
    name: 'ca list',
    summary: 'List the registered CAs.',
    load: async () => (await import('./ca-list.ts')).caList,
  },
  {
    name: 'ca remove',
    summary: 'Forget a CA and disconnect its devices.',
    load: async () => (await import('./ca-remove.ts')).caRemove,
  },
  {
    name: 'device create',
    summary: 'Create a device and print its connection string.',
    load: async () => (await import('./device-create.ts')).deviceCreate,
  },
  {
    name: 'device show',
    summary: 'Show a device.',
    load: async () => (await import('./device-show.ts')).deviceShow,
  },
  {
    name: 'device list',
    summary: 'List devices.',
    load: async () => (await import('./device-list.ts')).deviceList,
  },
  {
    name: 'device update',
    summary: 'Enable or disable a device.',
    load: async () => (await import('./device-update.ts')).deviceUpdate,
  },
  {
    name: 'device delete',
    summary: 'Delete a device with its modules and twins.',
    load: async () => (await import('./device-delete.ts')).deviceDelete,
  },
  {
    name: 'device export',
    summary: 'Write every device and module with its twin to a file.',
    load: async () => (await import('./device-export.ts')).deviceExport,
  },
  {
    name: 'device import',
    summary: 'Create and update devices and modules from a file.',
    load: async () => (await import('./device-import.ts')).deviceImport,
  },
  {
    name: 'module create',
    summary: 'Create a module on a device and print its connection string.',
    load: async () => (await import('./module-create.ts')).moduleCreate,
  },
  {
    name: 'module show',
    summary: 'Show a module.',
    load: async () => (await import('./module-show.ts')).moduleShow,
  },
  {
    name: 'module list',
    summary: 'List the modules of a device.',
    load: async () => (await import('./module-list.ts')).moduleList,
  },
  {
    name: 'module update',
    summary: 'Say who manages a module.',
    load: async () => (await import('./module-update.ts')).moduleUpdate,
  },
  {
    name: 'module delete',
    summary: 'Delete a module with its twin.',
    load: async () => (await import('./module-delete.ts')).moduleDelete,
  },
  {
    name: 'twin show',
    summary: 'Show the twin of a device or module.',
    load: async () => (await import('./twin-show.ts')).twinShow,
  },
  {
    name: 'twin update',
    summary: 'Merge into the tags or desired properties of a twin.',
    load: async () => (await import('./twin-update.ts')).twinUpdate,
  },
  {
    name: 'query',
    summary: 'Query twins in the query language of IoT Hub.',
    load: async () => (await import('./query.ts')).query,
  },
  {
    name: 'method invoke',
    summary: 'Call a direct method of a device or module.',
    load: async () => (await import('./method-invoke.ts')).methodInvoke,
  },
  {
    name: 'c2d send',
    summary: 'Send a cloud-to-device message to a device or module.',
    load: async () => (await import('./c2d-send.ts')).c2dSend,
  },
  {
    name: 'c2d purge',
    summary: 'Remove the cloud-to-device messages of a device or module.',
    load: async () => (await import('./c2d-purge.ts')).c2dPurge,
  },
  {
    name: 'monitor events',
    summary: 'Print what devices send, as it comes.',
    load: async () => (await import('./monitor-events.ts')).monitorEvents,
  },
  {
    name: 'monitor feedback',
    summary: 'Print what becomes of cloud-to-device messages, as it happens.',
    load: async () => (await import('./monitor-feedback.ts')).monitorFeedback,
  },
  {
    name: 'enrollment create',
    summary: 'Create an enrolment of the provisioning service.',
    load: async () => (await import('./enrollment-create.ts')).enrollmentCreate,
  },
  {
    name: 'enrollment list',
    summary: 'List the enrolments of the provisioning service.',
    load: async () => (await import('./enrollment-list.ts')).enrollmentList,
  },
  {
    name: 'enrollment show',
    summary: 'Show an enrolment.',
    load: async () => (await import('./enrollment-show.ts')).enrollmentShow,
  },
  {
    name: 'enrollment delete',
    summary: 'Delete an enrolment; devices that it brought stay.',
    load: async () => (await import('./enrollment-delete.ts')).enrollmentDelete,
  },
  {
    name: 'consumer-group list',
    summary: 'List the groups of event readers.',
    load: async () => (await import('./consumer-group-list.ts')).consumerGroupList,
  },
  {
    name: 'consumer-group create',
    summary: 'Create a group of event readers.',
    load: async () => (await import('./consumer-group-create.ts')).consumerGroupCreate,
  },
  {
    name: 'consumer-group delete',
    summary: 'Delete a group and disconnect its readers.',
    load: async () => (await import('./consumer-group-delete.ts')).consumerGroupDelete,
  },
  {
    name: 'route list',
    summary: 'List the routes that decide which events are stored.',
    load: async () => (await import('./route-list.ts')).routeList,
  },
  {
    name: 'route create',
    summary: 'Create or replace a route.',
    load: async () => (await import('./route-create.ts')).routeCreate,
  },
  {
    name: 'route delete',
    summary: 'Delete a route.',
    load: async () => (await import('./route-delete.ts')).routeDelete,
  },
  {
    name: 'route test',
    summary: 'Find out which routes would take a message.',
    load: async () => (await import('./route-test.ts')).routeTest,
  },
  {
    name: 'enrichment list',
    summary: 'List the properties that are added to events.',
    load: async () => (await import('./enrichment-list.ts')).enrichmentList,
  },
  {
    name: 'enrichment set',
    summary: 'Add a property to all events.',
    load: async () => (await import('./enrichment-set.ts')).enrichmentSet,
  },
  {
    name: 'enrichment delete',
    summary: 'Stop adding a property to events.',
    load: async () => (await import('./enrichment-delete.ts')).enrichmentDelete,
  },
  {
    name: 'send',
    summary: 'Send a message as a device or module, over MQTT.',
    load: async () => (await import('./send.ts')).send,
  },
  {
    name: 'security',
    summary: 'Security module twins, alerts, recommendations and events; --attach: of another hub.',
    load: async () => (await import('./security-attach.ts')).securityAttach,
  },
  {
    name: 'security status',
    summary: 'Show the security of the whole fleet in numbers.',
    load: async () => (await import('./security-status.ts')).securityStatus,
  },
  {
    name: 'security show',
    summary: 'Show the security module twin of a device, whole.',
    load: async () => (await import('./security-show.ts')).securityShow,
  },
  {
    name: 'security modules',
    summary: 'List security modules with their states.',
    load: async () => (await import('./security-modules.ts')).securityModules,
  },
  {
    name: 'security module create',
    summary: 'Give a device a security module, or restore a deleted one.',
    load: async () => (await import('./security-module-create.ts')).securityModuleCreate,
  },
  {
    name: 'security suspend',
    summary: 'Switch the collection of a security agent off for a while.',
    load: async () => (await import('./security-suspend.ts')).securitySuspend,
  },
  {
    name: 'security resume',
    summary: 'End a suspension or a retirement.',
    load: async () => (await import('./security-resume.ts')).securityResume,
  },
  {
    name: 'security retire',
    summary: 'Take a device out of service; its record becomes read-only.',
    load: async () => (await import('./security-retire.ts')).securityRetire,
  },
  {
    name: 'security tombstones',
    summary: 'List what is kept of deleted security modules.',
    load: async () => (await import('./security-tombstones.ts')).securityTombstones,
  },
  {
    name: 'security tombstones forget',
    summary: 'Forget what is kept of a deleted security module.',
    load: async () => (await import('./security-tombstones-forget.ts')).securityTombstonesForget,
  },
  {
    name: 'security alerts',
    summary: 'List alerts, newest first.',
    load: async () => (await import('./security-alerts.ts')).securityAlerts,
  },
  {
    name: 'security alerts show',
    summary: 'Show an alert with its evidence and what to do about it.',
    load: async () => (await import('./security-alerts-show.ts')).securityAlertsShow,
  },
  {
    name: 'security alerts update',
    summary: 'Change the status or assignee of an alert, add a note.',
    load: async () => (await import('./security-alerts-update.ts')).securityAlertsUpdate,
  },
  {
    name: 'security recommendations',
    summary: 'List recommendations, newest change first.',
    load: async () => (await import('./security-recommendations.ts')).securityRecommendations,
  },
  {
    name: 'security events',
    summary: 'List raw security events, newest first.',
    load: async () => (await import('./security-events.ts')).securityEvents,
  },
  {
    name: 'security rejected',
    summary: 'List refused messages and events, newest first.',
    load: async () => (await import('./security-rejected.ts')).securityRejected,
  },
  {
    name: 'security ingestion',
    summary: 'Show how many security events of a device came, counted and were lost to limits.',
    load: async () => (await import('./security-ingestion.ts')).securityIngestion,
  },
  {
    name: 'security send',
    summary: 'Send a security event of your own.',
    load: async () => (await import('./security-send.ts')).securitySend,
  },
  {
    name: 'security schema list',
    summary: 'List the schemas of custom security events.',
    load: async () => (await import('./security-schema-list.ts')).securitySchemaList,
  },
  {
    name: 'security schema set',
    summary: 'Add a custom security event or replace its schema.',
    load: async () => (await import('./security-schema-set.ts')).securitySchemaSet,
  },
  {
    name: 'security schema delete',
    summary: 'Forget the schema of a custom security event.',
    load: async () => (await import('./security-schema-delete.ts')).securitySchemaDelete,
  },
  {
    name: 'security indicator list',
    summary: 'List the indicators of the imported lists.',
    load: async () => (await import('./security-indicator-list.ts')).securityIndicatorList,
  },
  {
    name: 'security indicator import',
    summary: 'Import a list of bad addresses, domains, URLs, hashes or miner pools.',
    load: async () => (await import('./security-indicator-import.ts')).securityIndicatorImport,
  },
  {
    name: 'security indicator delete',
    summary: 'Forget an indicator, or a whole list.',
    load: async () => (await import('./security-indicator-delete.ts')).securityIndicatorDelete,
  },
  {
    name: 'security rule list',
    summary: 'List the built-in rules and what is set for them.',
    load: async () => (await import('./security-rule-list.ts')).securityRuleList,
  },
  {
    name: 'security rule set',
    summary: 'Switch a rule off or change its severity.',
    load: async () => (await import('./security-rule-set.ts')).securityRuleSet,
  },
  {
    name: 'security enroll-token create',
    summary: 'Create a one-time token for the security agent of a device.',
    load: async () => (await import('./security-enroll-token-create.ts')).securityEnrollTokenCreate,
  },
  {
    name: 'security enroll-token list',
    summary: 'List the enrolment tokens of a device.',
    load: async () => (await import('./security-enroll-token-list.ts')).securityEnrollTokenList,
  },
  {
    name: 'security enroll-token revoke',
    summary: 'Revoke an enrolment token.',
    load: async () => (await import('./security-enroll-token-revoke.ts')).securityEnrollTokenRevoke,
  },
  {
    name: 'security enroll',
    summary: 'Redeem an enrolment token, on the device, for the connection string of its agent.',
    load: async () => (await import('./security-enroll.ts')).securityEnroll,
  },
  {
    name: 'security credentials',
    summary: 'Show which key the security agent of a device used last.',
    load: async () => (await import('./security-credentials.ts')).securityCredentials,
  },
  {
    name: 'security rotate-key',
    summary: 'Give the security module of a device a new key.',
    load: async () => (await import('./security-rotate-key.ts')).securityRotateKey,
  },
  {
    name: 'security config show',
    summary: 'Show the configuration of a security agent: desired, reported, drift.',
    load: async () => (await import('./security-config-show.ts')).securityConfigShow,
  },
  {
    name: 'security config set',
    summary: 'Change settings of a security agent.',
    load: async () => (await import('./security-config-set.ts')).securityConfigSet,
  },
  {
    name: 'security config history',
    summary: 'Show who changed which settings, newest first.',
    load: async () => (await import('./security-config-history.ts')).securityConfigHistory,
  },
  {
    name: 'security config hub show',
    summary: 'Show the settings that all agents inherit.',
    load: async () => (await import('./security-config-hub-show.ts')).securityConfigHubShow,
  },
  {
    name: 'security config hub set',
    summary: 'Change the settings that all agents inherit.',
    load: async () => (await import('./security-config-hub-set.ts')).securityConfigHubSet,
  },
  {
    name: 'security config group list',
    summary: 'List the security groups that have settings.',
    load: async () => (await import('./security-config-group-list.ts')).securityConfigGroupList,
  },
  {
    name: 'security config group show',
    summary: 'Show the settings that agents of a group inherit.',
    load: async () => (await import('./security-config-group-show.ts')).securityConfigGroupShow,
  },
  {
    name: 'security config group set',
    summary: 'Change the settings that agents of a group inherit.',
    load: async () => (await import('./security-config-group-set.ts')).securityConfigGroupSet,
  },
]
