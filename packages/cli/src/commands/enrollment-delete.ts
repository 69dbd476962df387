import { apiOf, type Command } from '../command.ts'
import { NAME_OPTIONS, readName } from '../enrollment.ts'

export const enrollmentDelete: Command = {
  options: NAME_OPTIONS,
  talksTo: 'server',
  details: 'Devices that were provisioned by it stay: delete or disable them on their own.',
  examples: [['enrollment delete --group plant', 'no more devices of this group']],

  async run(input, context) {
    const { kind, id, path } = readName(input)
    await apiOf(input, context).delete(path)
    const member = kind === 'group' ? 'enrollmentGroupId' : 'registrationId'
    if (context.out.isJson) context.out.json({ [member]: id, deleted: true })
    else context.out.print(`Deleted the enrollment ${id}; its devices stay.`)
  },
}
