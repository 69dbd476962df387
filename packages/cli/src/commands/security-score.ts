import type { Api } from '../api-client.ts'
import { apiOf, type Command, type Context, UsageError } from '../command.ts'

const HISTORY = '/api/security/score/history'
const DEFAULT_DAYS = 30

interface ScoreView {
  readonly score: number
  readonly rounding: number
  readonly parts: readonly {
    readonly part: string
    readonly weight: number
    readonly points: number
    readonly lost: number
    readonly losses: readonly {
      readonly kind: string
      readonly id: string
      readonly title: string
      readonly severity: string
      readonly points: number
    }[]
    readonly others: { readonly count: number; readonly points: number }
  }[]
}

interface TotalsView {
  readonly score: number | null
  readonly devices: number
  readonly metrics: { readonly high: number; readonly medium: number; readonly low: number }
}

interface GroupsView extends TotalsView {
  readonly items: readonly (TotalsView & { readonly group: string })[]
  readonly continuationToken: string | null
}

interface HistoryView {
  readonly items: readonly { readonly date: string; readonly score: number | null }[]
}

export const securityScore: Command = {
  arguments: [{ syntax: '[device]', description: 'why the score of this device is what it is' }],
  options: [
    { flags: '--group <name>', description: 'the history of this security group' },
    { flags: '--history', description: 'by day, of the device, the group or the fleet' },
    {
      flags: '--days <n>',
      description: 'days of the history',
      defaultText: String(DEFAULT_DAYS),
      integer: { min: 1, max: 400 },
    },
  ],
  talksTo: 'server',
  details:
    'A score goes from 0 to 100: 35 points for the baseline, 35 for recommendations, 20 for alerts,\n' +
    '10 for the health of the agent. Devices with the tag deviceCriticality Important count three\n' +
    'times in the scores of their group and of the fleet.',
  examples: [
    ['security score', 'the fleet and its groups'],
    ['security score pump-1', 'every point that this device lost, and to what'],
    ['security score --group cellar --days 90', 'how a group came along'],
  ],

  async run(input, context) {
    const device = input.argument(0)
    const group = input.text('group')
    if (device !== '' && group !== undefined) {
      throw new UsageError('Give either a device or --group.')
    }
    const api = apiOf(input, context)
    if (group !== undefined || input.isSet('history') || input.integer('days') !== undefined) {
      const days = input.integer('days') ?? DEFAULT_DAYS
      return showHistory(context, api, { device: device || undefined, group, days })
    }
    if (device === '') return showFleet(context, api)
    const path = `/api/devices/${encodeURIComponent(device)}/security/score`
    showReasons(context, await api.get<ScoreView>(path))
  },
}

async function showHistory(
  { out }: Context,
  api: Api,
  query: {
    readonly device: string | undefined
    readonly group: string | undefined
    readonly days: number
  },
): Promise<void> {
  const view = await api.get<HistoryView>(HISTORY, query)
  if (out.isJson) return out.json(view)
  if (view.items.length === 0) return out.note('No score is known of these days.')
  out.table(
    ['DAY', 'SCORE'],
    view.items.map(({ date, score }) => [date, formatScore(score)]),
  )
}

async function showFleet({ out }: Context, api: Api): Promise<void> {
  const view = await api.get<GroupsView>('/api/security/score', { limit: 1000 })
  if (out.isJson) return out.json(view)
  if (view.devices === 0) return out.note('No device has a score yet.')
  out.table(
    ['GROUP', 'SCORE', 'DEVICES', 'HIGH', 'MEDIUM', 'LOW'],
    [{ group: 'All', ...view }, ...view.items].map(({ group, score, devices, metrics }) => [
      ...[group, formatScore(score), String(devices)],
      ...[metrics.high, metrics.medium, metrics.low].map(String),
    ]),
  )
  out.print('\nHIGH, MEDIUM, LOW: devices by the worst that is open on them.')
  if (view.continuationToken !== null) out.note('These are the first 1000 groups; there are more.')
}

function showReasons({ out }: Context, view: ScoreView): void {
  if (out.isJson) {
    out.json(view)
    return
  }
  out.print(`Score ${view.score}\n`)
  out.table(
    ['PART', 'POINTS', 'OF', 'LOST'],
    view.parts.map(({ part, points, weight, lost }) => [
      ...[part, points.toFixed(2), String(weight), lost.toFixed(2)],
    ]),
  )
  const losses = view.parts.flatMap(({ part, losses, others }) => [
    ...losses.map(({ id, title, severity, points, kind }) => [
      ...[part, points.toFixed(2), severity, id || kind, title],
    ]),
    ...(others.count > 0
      ? [[part, others.points.toFixed(2), '', '', `${others.count} others`]]
      : []),
  ])
  if (losses.length === 0) return
  out.print('')
  out.table(['PART', 'LOST', 'SEVERITY', 'ID', 'WHAT'], losses)
}

function formatScore(score: number | null): string {
  return score === null ? '–' : String(score)
}
