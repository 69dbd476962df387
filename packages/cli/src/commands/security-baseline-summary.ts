import {
  BASELINE,
  COUNT_HEAD,
  type CountsView,
  countColumns,
  formatCompliance,
} from '../baseline.ts'
import { apiOf, type Command } from '../command.ts'

const DEFAULT_TOP = 10

interface SummaryView {
  readonly benchmarks: readonly {
    readonly benchmark: string
    readonly devices: number
    readonly compliance: number | null
    readonly counts: CountsView
  }[]
  readonly checks: readonly {
    readonly benchmark: string
    readonly checkId: string
    readonly title: string
    readonly failing: number
    readonly errors: number
  }[]
}

export const securityBaselineSummary: Command = {
  options: [
    {
      flags: '--top <n>',
      description: 'most frequent failures',
      defaultText: String(DEFAULT_TOP),
      integer: { min: 1, max: 1000 },
    },
  ],
  talksTo: 'server',
  examples: [['security baseline summary', 'all devices by benchmark, and what fails most often']],

  async run(input, context) {
    const { out } = context
    const view = await apiOf(input, context).get<SummaryView>(`${BASELINE}/summary`)
    if (out.isJson) return out.json(view)
    if (view.benchmarks.length === 0) return out.note('No device has sent a baseline.')
    out.table(
      ['BENCHMARK', 'DEVICES', 'PASSED', ...COUNT_HEAD],
      view.benchmarks.map(({ benchmark, devices, compliance, counts }) => [
        ...[benchmark, String(devices), formatCompliance(compliance), ...countColumns(counts)],
      ]),
    )
    const top = view.checks.slice(0, input.integer('top') ?? DEFAULT_TOP)
    if (top.length === 0) return
    out.print('\nDevices by failed check')
    out.table(
      ['CHECK', 'FAIL', 'ERROR', 'WHAT'],
      top.map(({ checkId, failing, errors, title }) => [
        ...[checkId, String(failing), String(errors), title],
      ]),
    )
  },
}
