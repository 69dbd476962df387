import { pathOf } from '../api-client.ts'
import { apiOf, type Command, UsageError } from '../command.ts'
import { describeIdentity, getIdentity, type Identity, readRef, withoutKeys } from '../identity.ts'

export const moduleUpdate: Command = {
  arguments: [
    { syntax: '<device>', description: 'the device' },
    { syntax: '<id>', description: 'the module' },
  ],
  options: [{ flags: '--managed-by <text>', description: 'who manages it; "" for nobody' }],
  talksTo: 'server',
  examples: [['module update pump-1 telemetry --managed-by plant-team', 'name its keepers']],

  async run(input, context) {
    const ref = readRef(input.argument(0), input.argument(1))
    const managedBy = input.text('managedBy')
    if (managedBy === undefined) throw new UsageError('Nothing to change: give --managed-by.')
    const api = apiOf(input, context)
    // A PUT replaces the whole identity: without its authentication the hub would make new keys.
    const module = await getIdentity(api, ref)
    const updated = await api.put<Identity>(pathOf(ref), { ...module, managedBy }, module.etag)
    if (context.out.isJson) context.out.json(withoutKeys(updated))
    else context.out.print(describeIdentity(updated))
  },
}
