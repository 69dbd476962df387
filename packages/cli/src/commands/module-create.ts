import { pathOf } from '../api-client.ts'
import { type Command, targetOf } from '../command.ts'
import {
  AUTHENTICATION_OPTIONS,
  describeIdentity,
  deviceConnectionString,
  type Identity,
  readAuthentication,
  readRef,
  withoutKeys,
} from '../identity.ts'
import { printable } from '../output.ts'

export const moduleCreate: Command = {
  arguments: [
    { syntax: '<device>', description: 'the device' },
    { syntax: '<id>', description: 'the new module' },
  ],
  options: [
    { flags: '--managed-by <text>', description: 'who manages it, for people and tools' },
    ...AUTHENTICATION_OPTIONS,
  ],
  talksTo: 'server',
  details: 'The output holds the key of the module.',
  examples: [['module create pump-1 telemetry', 'with keys made by the hub']],

  async run(input, context) {
    const ref = readRef(input.argument(0), input.argument(1))
    const authentication = readAuthentication(input)
    const target = targetOf(input, context)
    const module = await context.connect(target).put<Identity>(pathOf(ref), {
      ...ref,
      managedBy: input.text('managedBy') ?? '',
      authentication,
    })
    const hasKeys = module.authentication.type === 'sas'
    const connectionString = hasKeys ? deviceConnectionString(module, target) : undefined
    const { out } = context
    if (out.isJson) {
      out.json({ ...withoutKeys(module), ...(connectionString && { connectionString }) })
      return
    }
    out.print(describeIdentity(module))
    if (connectionString) out.print(`\n${printable(connectionString)}`)
  },
}
