import { apiOf, type Command } from '../command.ts'
import { readRef } from '../identity.ts'

interface IntakeView {
  readonly deviceId: string
  readonly events: number
  readonly repeatedEvents: number
  readonly reusedIds: number
  readonly lostEvents: number
  readonly lostRows: number
  readonly lossesByHour: readonly { readonly hourUtc: string; readonly events: number }[]
  readonly lastDay: { readonly dayUtc: string; readonly bytes: number }
  readonly lastHour: { readonly hourUtc: string; readonly rows: number }
  readonly limits: { readonly dailyBytes: number; readonly hourlyRows: number }
  readonly unknownPayloads: { readonly [number: string]: number }
}

export const securityIngestion: Command = {
  arguments: [{ syntax: '<device>', description: 'the device' }],
  talksTo: 'server',
  examples: [['security ingestion pump-1', 'how much came, counted, came twice and was lost']],

  async run(input, context) {
    const { deviceId } = readRef(input.argument(0))
    const path = `/api/devices/${encodeURIComponent(deviceId)}/security/ingestion`
    const view = await apiOf(input, context).get<IntakeView>(path)
    const { out } = context
    if (out.isJson) return out.json(view)
    const { lastDay, lastHour, limits } = view
    const unknown = Object.entries(view.unknownPayloads).map(([number, count]) => {
      return `${count} of number ${number}`
    })
    out.table(
      ['WHAT', 'HOW MUCH'],
      [
        ['events kept', String(view.events)],
        ['events that came again', String(view.repeatedEvents)],
        ['ids used for another event', String(view.reusedIds)],
        ['events lost to limits', `${view.lostEvents} with ${view.lostRows} rows`],
        ['hours with losses', view.lossesByHour.map(({ hourUtc }) => hourUtc).join(', ') || 'none'],
        [`bytes on ${lastDay.dayUtc}`, `${lastDay.bytes} of ${limits.dailyBytes}`],
        [`rows from ${lastHour.hourUtc}`, `${lastHour.rows} of ${limits.hourlyRows}`],
        ['unknown binary payloads', unknown.join(', ') || 'none'],
      ],
    )
  },
}
