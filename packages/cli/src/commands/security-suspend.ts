import { type Command, UsageError } from '../command.ts'
import { commandModule } from '../security-module.ts'

export const securitySuspend: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  options: [
    { flags: '--for <duration>', description: 'so long, such as 45m, 2h, 1d or PT2H' },
    { flags: '--until <time>', description: 'until then, such as 2026-01-31T12:00:00Z' },
    { flags: '--reason <text>', description: 'why, for people' },
  ],
  talksTo: 'server',
  details:
    'Switches every collector off in the configuration of the agent, and back on as they were. Without\n' +
    '--for or --until that lasts until "security resume".',
  examples: [
    ['security suspend pump-1 --for 2h --reason "pump is changed"', 'resumes by itself'],
    ['security suspend pump-1', 'until somebody resumes'],
  ],

  async run(input, context) {
    const [duration, untilUtc] = [input.text('for'), input.text('until')]
    if (duration !== undefined && untilUtc !== undefined) {
      throw new UsageError('Give either --for or --until.')
    }
    await commandModule(input, context, 'suspend', {
      reason: input.text('reason'),
      untilUtc,
      duration: duration && spellDuration(duration),
    })
  },
}

/** `45m`, `2h`, `1d` as ISO 8601; anything else goes as it is, for the server to judge. */
function spellDuration(text: string): string {
  const match = /^(\d{1,6})([mhd])$/.exec(text)
  if (!match) return text
  const [, number, unit = ''] = match
  return unit === 'd' ? `P${number}D` : `PT${number}${unit.toUpperCase()}`
}
