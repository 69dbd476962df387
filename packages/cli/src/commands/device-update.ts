import { pathOf } from '../api-client.ts'
import { apiOf, type Command, UsageError } from '../command.ts'
import { describeIdentity, getIdentity, type Identity, readRef, withoutKeys } from '../identity.ts'

export const deviceUpdate: Command = {
  arguments: [{ syntax: '<id>', description: 'the device' }],
  options: [
    {
      flags: '--status <status>',
      description: 'a disabled device is disconnected and may not connect',
      choices: ['enabled', 'disabled'],
    },
    { flags: '--reason <text>', description: 'why, up to 128 characters' },
  ],
  talksTo: 'server',
  examples: [
    ['device update pump-1 --status disabled --reason "stolen"', 'shut a device out'],
    ['device update pump-1 --status enabled', 'let it in again'],
  ],

  async run(input, context) {
    const ref = readRef(input.argument(0))
    const status = input.text('status')
    const statusReason = input.text('reason')
    if (status === undefined && statusReason === undefined) {
      throw new UsageError('Nothing to change: give --status or --reason.')
    }
    const api = apiOf(input, context)
    // A PUT replaces the whole identity: without its authentication the hub would make new keys.
    const device = await getIdentity(api, ref)
    const next = {
      ...device,
      ...(status !== undefined && { status, statusReason: null }),
      ...(statusReason !== undefined && { statusReason }),
    }
    const updated = await api.put<Identity>(pathOf(ref), next, device.etag)
    if (context.out.isJson) context.out.json(withoutKeys(updated))
    else context.out.print(describeIdentity(updated))
  },
}
