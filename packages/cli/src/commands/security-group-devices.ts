import type { Command } from '../command.ts'
import { PAGE_OPTIONS, readPages, showPage } from '../pages.ts'
import { groupPath } from '../security-group.ts'

interface Member {
  readonly deviceId: string
  readonly from: 'device' | 'module' | 'default'
  readonly tag: string | null
}

export const securityGroupDevices: Command = {
  arguments: [{ syntax: '<group>', description: 'a security group, or any name that a tag has' }],
  options: PAGE_OPTIONS,
  talksTo: 'server',
  details:
    'The tag SecurityGroup of the device decides, else that of its security module; with neither\n' +
    'it is in the group default.',
  examples: [
    ['security group devices plant --all', 'which devices are in it, and which tag says so'],
    ['security group devices default', 'devices without a tag'],
  ],

  async run(input, context) {
    const path = `${groupPath(input.argument(0))}/devices`
    showPage(context, await readPages<Member>(input, context, path, {}), {
      head: ['DEVICE', 'BECAUSE OF'],
      row: ({ deviceId, from, tag }) => [
        deviceId,
        tag === null
          ? 'no tag'
          : `tag ${tag} of its ${from === 'device' ? 'twin' : 'security module'}`,
      ],
      empty: 'No device on this page is in this group.',
    })
  },
}
