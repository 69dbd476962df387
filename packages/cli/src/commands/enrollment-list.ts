import { type Command, nextCommand } from '../command.ts'
import type { EnrollmentView } from '../enrollment.ts'
import { formatTime } from '../output.ts'
import { PAGE_OPTIONS, readPages, showPage } from '../pages.ts'

export const enrollmentList: Command = {
  options: PAGE_OPTIONS,
  talksTo: 'server',
  examples: [
    ['enrollment list', 'a table: groups, then single devices'],
    ['enrollment list --all --json', 'for a program'],
  ],

  async run(input, context) {
    const path = '/api/provisioning/enrollments'
    const page = await readPages<Partial<EnrollmentView>>(input, context, path, {})
    const next = 'enrollment create --group NAME --attestation symmetricKey'
    showPage(context, page, {
      head: ['KIND', 'ID', 'STATUS', 'ATTESTATION', 'LAST UPDATE'],
      row: ({ enrollmentGroupId, registrationId, ...rest }) => [
        enrollmentGroupId === undefined ? 'individual' : 'group',
        enrollmentGroupId ?? registrationId ?? '',
        rest.provisioningStatus ?? '',
        rest.attestation?.type ?? '',
        formatTime(rest.lastUpdatedDateTimeUtc),
      ],
      empty: `No enrollments yet. Create one: ${nextCommand(input, context, next)}`,
    })
  },
}
