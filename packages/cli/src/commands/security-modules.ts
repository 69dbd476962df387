import type { Command } from '../command.ts'
import { formatTime } from '../output.ts'
import { PAGE_OPTIONS, readPages, showPage } from '../pages.ts'
import { MODULE_STATES, type ModuleItem } from '../security-module.ts'

export const securityModules: Command = {
  options: [
    { flags: '--state <state>', description: 'in this state', choices: MODULE_STATES },
    ...PAGE_OPTIONS,
  ],
  talksTo: 'server',
  examples: [
    ['security modules --state silent', 'whose agents sent nothing for too long'],
    ['security modules --all --json', 'every device, for a program'],
  ],

  async run(input, context) {
    const page = await readPages<ModuleItem>(input, context, '/api/security/modules', {
      state: input.text('state'),
    })
    showPage(context, page, {
      head: ['DEVICE', 'STATE', 'SINCE', 'MODULE'],
      row: ({ deviceId, state, stateSinceUtc, moduleId }) => [
        deviceId,
        state,
        formatTime(stateSinceUtc),
        moduleId ?? '',
      ],
      empty: 'No such devices.',
    })
  },
}
