import { apiOf, type Command, UsageError } from '../command.ts'
import { IP_FILTER_PATH, type IpFilterView, showIpFilter } from '../ip-filter.ts'

export const ipFilterSet: Command = {
  options: [
    {
      flags: '--accept <mask>',
      description: 'an address or network that may connect; may be given more than once',
      isRepeatable: true,
    },
    {
      flags: '--reject <mask>',
      description: 'one that may not, asked before those that may',
      isRepeatable: true,
    },
    { flags: '--reject-others', description: 'nobody else may' },
    { flags: '--none', description: 'no rules: everybody may' },
  ],
  talksTo: 'server',
  details:
    'Replaces all rules. They hold on every port from the next connection on; connections that are\n' +
    'open stay. The machine itself (127.0.0.1, ::1) may always connect.',
  examples: [
    [
      'ip-filter set --accept 10.0.0.0/8 --accept 2001:db8::/48 --reject-others',
      'these and no other',
    ],
    ['ip-filter set --none', 'as it was at first'],
  ],

  async run(input, context) {
    const [accept, reject] = [input.list('accept'), input.list('reject')]
    const isNone = input.isSet('none')
    const others = input.isSet('rejectOthers') ? ['0.0.0.0/0', '::/0'] : []
    const rules = [
      ...reject.map((mask) => ({ name: mask, action: 'reject', mask })),
      ...accept.map((mask) => ({ name: mask, action: 'accept', mask })),
      ...others.map((mask) => ({ name: 'others', action: 'reject', mask })),
    ]
    if (rules.length > 0 === isNone) {
      throw new UsageError('Give --accept, --reject or --reject-others, or else --none.')
    }
    const view = await apiOf(input, context).put<IpFilterView>(IP_FILTER_PATH, { rules })
    showIpFilter(context.out, view)
  },
}
