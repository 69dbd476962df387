import {
  BASELINE,
  type BaselineView,
  COUNT_HEAD,
  countColumns,
  formatCompliance,
} from '../baseline.ts'
import { apiOf, type Command } from '../command.ts'
import { formatTime } from '../output.ts'

export const securityBaselineShow: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  options: [
    {
      flags: '--result <words>',
      description: 'some of pass, fail, error, skip, disabled, with commas; or all',
      defaultText: 'fail,error',
    },
    { flags: '--severity <word>', description: 'critical, important, warning or informational' },
    { flags: '--group <name>', description: 'of this group of checks' },
    { flags: '--benchmark <name>', description: 'such as cis-dil-2.0.0' },
  ],
  talksTo: 'server',
  details:
    'Counts are of all checks, whatever is listed below them. Checks that the configuration of the\n' +
    'agent switches off count as disabled and are in no score.',
  examples: [
    ['security baseline show pump-1', 'counts by group, and what fails or could not be checked'],
    ['security baseline show pump-1 --result all --group "SSH Server"', 'every check of a group'],
  ],

  async run(input, context) {
    const { out } = context
    const result = input.text('result') ?? 'fail,error'
    const view = await apiOf(input, context).get<BaselineView>(BASELINE, {
      device: input.argument(0),
      result: result === 'all' ? undefined : result,
      severity: input.text('severity'),
      group: input.text('group'),
      benchmark: input.text('benchmark'),
    })
    if (out.isJson) return out.json(view)
    if (view.benchmarks.length === 0) {
      return out.note(`${view.deviceId} has not sent a baseline.`)
    }
    for (const { benchmark, evaluatedUtc, compliance, counts, groups } of view.benchmarks) {
      out.print(
        `${benchmark}, ${formatTime(evaluatedUtc)}: ${formatCompliance(compliance)} passed\n`,
      )
      out.table(
        ['GROUP', ...COUNT_HEAD],
        [
          ...groups.map((group) => [group.group, ...countColumns(group.counts)]),
          ['All', ...countColumns(counts)],
        ],
      )
      out.print('')
    }
    if (view.items.length === 0) return out.note('No such checks.')
    out.table(
      ['CHECK', 'SEVERITY', 'RESULT', 'SINCE', 'WHAT'],
      view.items.map(({ checkId, severity, result: came, firstFailedUtc, title }) => [
        ...[checkId, severity, came, formatTime(firstFailedUtc), title],
      ]),
    )
  },
}
