import type { JsonValue } from '@twinward/protocol'
import type { Command } from '../command.ts'
import { readRef } from '../identity.ts'
import { formatTime } from '../output.ts'
import { PAGE_OPTIONS, readPages, showPage } from '../pages.ts'
import { inWords } from '../security-view.ts'

interface HistoryEntry {
  readonly timeUtc: string
  readonly layer: string
  readonly group: string | null
  readonly deviceId: string | null
  readonly by: string
  readonly changes: readonly {
    readonly name: string
    readonly old: JsonValue
    readonly new: JsonValue
  }[]
}

export const securityConfigHistory: Command = {
  arguments: [{ syntax: '[device]', description: 'the device; all of them without it' }],
  options: [
    {
      flags: '--layer <layer>',
      description: 'of this layer',
      choices: ['hub', 'group', 'device', 'inherited'],
    },
    { flags: '--group <name>', description: 'of the settings of this group' },
    ...PAGE_OPTIONS,
  ],
  talksTo: 'server',
  examples: [
    ['security config history pump-1', 'who changed what on one device'],
    ['security config history --layer hub', 'changes that all devices inherit'],
  ],

  async run(input, context) {
    const device = input.argument(0)
    const page = await readPages<HistoryEntry>(input, context, '/api/security/config/history', {
      device: device === '' ? undefined : readRef(device).deviceId,
      layer: input.text('layer'),
      group: input.text('group'),
    })
    showPage(context, page, {
      head: ['TIME', 'WHERE', 'LAYER', 'BY', 'CHANGES'],
      row: ({ timeUtc, deviceId, group, layer, by, changes }) => [
        formatTime(timeUtc),
        deviceId ?? group ?? 'hub',
        layer,
        by,
        changes
          .map(({ name, old, new: to }) => `${name}: ${inWords(old)} → ${inWords(to)}`)
          .join(', '),
      ],
      empty: 'No such changes.',
    })
  },
}
