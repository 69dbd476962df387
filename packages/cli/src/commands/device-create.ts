import type { DeviceRef } from '@twinward/protocol'
import { type Api, pathOf } from '../api-client.ts'
import { type Command, CommandError, targetOf } from '../command.ts'
import {
  AUTHENTICATION_OPTIONS,
  describeIdentity,
  deviceConnectionString,
  getIdentity,
  type Identity,
  readAuthentication,
  readRef,
  withoutKeys,
} from '../identity.ts'
import { printable } from '../output.ts'

export const deviceCreate: Command = {
  arguments: [{ syntax: '<id>', description: 'the new device' }],
  options: [
    { flags: '--disabled', description: 'it may not connect until it is enabled' },
    { flags: '--edge', description: 'an IoT Edge device' },
    { flags: '--parent <id>', description: 'the edge device that acts for it' },
    ...AUTHENTICATION_OPTIONS,
  ],
  talksTo: 'server',
  details: 'Every new device gets its security module too. The output holds the key of the device.',
  examples: [
    ['device create pump-1', 'with keys made by the hub'],
    ['device create pump-2 --auth x509 --primary-thumbprint 2A…9F', 'with a certificate'],
    ['device create pump-3 --auth x509-ca', 'with one of a registered CA (twinward ca add)'],
  ],

  async run(input, context) {
    const ref = readRef(input.argument(0))
    const authentication = readAuthentication(input)
    const target = targetOf(input, context)
    const api = context.connect(target)
    const parent = await parentScope(api, input.text('parent'))
    const device = await api.put<Identity>(pathOf(ref), {
      ...ref,
      status: input.isSet('disabled') ? 'disabled' : 'enabled',
      capabilities: { iotEdge: input.isSet('edge') },
      ...(parent && (input.isSet('edge') ? { parentScopes: [parent] } : { deviceScope: parent })),
      authentication,
    })
    const hasKeys = device.authentication.type === 'sas'
    const connectionString = hasKeys ? deviceConnectionString(device, target) : undefined
    const modules = await listModuleIds(api, ref)
    const { out } = context
    if (out.isJson) {
      out.json({ ...withoutKeys(device), modules, ...(connectionString && { connectionString }) })
      return
    }
    out.print(describeIdentity(device))
    if (modules.length > 0) out.print(`\nIts security module exists too: ${modules.join(', ')}`)
    if (connectionString) out.print(`\n${printable(connectionString)}`)
  },
}

/** @throws {CommandError} for a parent that is no edge device */
async function parentScope(api: Api, parentId: string | undefined): Promise<string | undefined> {
  if (parentId === undefined) return undefined
  const { deviceScope, capabilities } = await getIdentity(api, readRef(parentId))
  if (capabilities?.iotEdge && deviceScope) return deviceScope
  throw new CommandError(`${parentId} is no edge device: it can be nobody's parent.`)
}

async function listModuleIds(api: Api, ref: DeviceRef): Promise<readonly string[]> {
  const modules = await api.get<readonly Identity[]>(`${pathOf(ref)}/modules`)
  return modules.map(({ moduleId = '' }) => moduleId).filter((id) => !id.startsWith('$'))
}
