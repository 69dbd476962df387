import type { CommandEntry } from '../../command.ts'

/** Commands on identities, twins, messages and provisioning, in the order of the help. */
export const hubCommands: readonly CommandEntry[] = [
  {
    name: 'device create',
    summary: 'Create a device and print its connection string.',
    load: async () => (await import('../device-create.ts')).deviceCreate,
  },
  {
    name: 'device show',
    summary: 'Show a device.',
    load: async () => (await import('../device-show.ts')).deviceShow,
  },
  {
    name: 'device list',
    summary: 'List devices.',
    load: async () => (await import('../device-list.ts')).deviceList,
  },
  {
    name: 'device update',
    summary: 'Enable or disable a device.',
    load: async () => (await import('../device-update.ts')).deviceUpdate,
  },
  {
    name: 'device delete',
    summary: 'Delete a device with its modules and twins.',
    load: async () => (await import('../device-delete.ts')).deviceDelete,
  },
  {
    name: 'device export',
    summary: 'Write every device and module with its twin to a file.',
    load: async () => (await import('../device-export.ts')).deviceExport,
  },
  {
    name: 'device import',
    summary: 'Create and update devices and modules from a file.',
    load: async () => (await import('../device-import.ts')).deviceImport,
  },
  {
    name: 'module create',
    summary: 'Create a module on a device and print its connection string.',
    load: async () => (await import('../module-create.ts')).moduleCreate,
  },
  {
    name: 'module show',
    summary: 'Show a module.',
    load: async () => (await import('../module-show.ts')).moduleShow,
  },
  {
    name: 'module list',
    summary: 'List the modules of a device.',
    load: async () => (await import('../module-list.ts')).moduleList,
  },
  {
    name: 'module update',
    summary: 'Say who manages a module.',
    load: async () => (await import('../module-update.ts')).moduleUpdate,
  },
  {
    name: 'module delete',
    summary: 'Delete a module with its twin.',
    load: async () => (await import('../module-delete.ts')).moduleDelete,
  },
  {
    name: 'twin show',
    summary: 'Show the twin of a device or module.',
    load: async () => (await import('../twin-show.ts')).twinShow,
  },
  {
    name: 'twin update',
    summary: 'Merge into the tags or desired properties of a twin.',
    load: async () => (await import('../twin-update.ts')).twinUpdate,
  },
  {
    name: 'query',
    summary: 'Query twins in the query language of IoT Hub.',
    load: async () => (await import('../query.ts')).query,
  },
  {
    name: 'method invoke',
    summary: 'Call a direct method of a device or module.',
    load: async () => (await import('../method-invoke.ts')).methodInvoke,
  },
  {
    name: 'c2d send',
    summary: 'Send a cloud-to-device message to a device or module.',
    load: async () => (await import('../c2d-send.ts')).c2dSend,
  },
  {
    name: 'c2d purge',
    summary: 'Remove the cloud-to-device messages of a device or module.',
    load: async () => (await import('../c2d-purge.ts')).c2dPurge,
  },
  {
    name: 'enrollment create',
    summary: 'Create an enrolment of the provisioning service.',
    load: async () => (await import('../enrollment-create.ts')).enrollmentCreate,
  },
  {
    name: 'enrollment list',
    summary: 'List the enrolments of the provisioning service.',
    load: async () => (await import('../enrollment-list.ts')).enrollmentList,
  },
  {
    name: 'enrollment show',
    summary: 'Show an enrolment.',
    load: async () => (await import('../enrollment-show.ts')).enrollmentShow,
  },
  {
    name: 'enrollment delete',
    summary: 'Delete an enrolment; devices that it brought stay.',
    load: async () => (await import('../enrollment-delete.ts')).enrollmentDelete,
  },
  {
    name: 'send',
    summary: 'Send a message as a device or module, over MQTT.',
    load: async () => (await import('../send.ts')).send,
  },
]
