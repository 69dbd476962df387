import { BASELINE, type CheckView, type GroupCountsView } from '../baseline.ts'
import type { Command, Context, Input } from '../command.ts'
import { formatTime } from '../output.ts'
import { PAGE_OPTIONS, readPages, showPage } from '../pages.ts'

/** Checks named in one line; the others are counted. */
const MAX_NAMED_CHECKS = 8

interface FailureItem {
  readonly deviceId: string
  readonly result: string
  readonly sinceUtc: string | null
}

interface DeviceItem extends Pick<GroupCountsView, 'counts'> {
  readonly deviceId: string
  readonly benchmark: string
  readonly evaluatedUtc: string | null
  readonly failures: readonly Pick<CheckView, 'checkId'>[]
}

export const securityBaselineFailures: Command = {
  options: [
    { flags: '--check <id>', description: 'only this check: the devices that fail it' },
    { flags: '--benchmark <name>', description: 'such as cis-dil-2.0.0' },
    ...PAGE_OPTIONS,
  ],
  talksTo: 'server',
  examples: [
    ['security baseline failures', 'what fails on each device'],
    ['security baseline failures --check 5.2.10 --all', 'every device that lets root log in'],
  ],

  run: (input, context) =>
    input.text('check') === undefined ? listDevices(input, context) : listOfCheck(input, context),
}

async function listDevices(input: Input, context: Context): Promise<void> {
  const filter = { benchmark: input.text('benchmark') }
  const page = await readPages<DeviceItem>(input, context, `${BASELINE}/devices`, filter)
  showPage(context, page, {
    head: ['DEVICE', 'BENCHMARK', 'EVALUATED', 'FAIL', 'ERROR', 'CHECKS'],
    row: ({ deviceId, benchmark, evaluatedUtc, counts, failures }) => [
      ...[deviceId, benchmark, formatTime(evaluatedUtc)],
      ...[String(counts.fail), String(counts.error), nameChecks(failures)],
    ],
    empty: 'No device has sent a baseline.',
  })
}

async function listOfCheck(input: Input, context: Context): Promise<void> {
  const check = input.text('check') ?? ''
  const path = `${BASELINE}/checks/${encodeURIComponent(check)}`
  const filter = { benchmark: input.text('benchmark') }
  const page = await readPages<FailureItem>(input, context, path, filter)
  showPage(context, page, {
    head: ['DEVICE', 'RESULT', 'SINCE'],
    row: ({ deviceId, result, sinceUtc }) => [deviceId, result, formatTime(sinceUtc)],
    empty: `No device fails ${check}.`,
  })
}

function nameChecks(failures: DeviceItem['failures']): string {
  const named = failures.slice(0, MAX_NAMED_CHECKS).map(({ checkId }) => checkId)
  const more = failures.length - named.length
  return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}
