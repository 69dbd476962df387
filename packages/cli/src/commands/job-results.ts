import type { Api } from '../api-client.ts'
import { apiOf, type Command } from '../command.ts'
import type { JobRecordView } from '../job.ts'

/** Results that are read and shown; a list of more is for a program that pages. */
const MAX_RESULTS = 10_000
const PAGE_RESULTS = 100

export const jobResults: Command = {
  arguments: [{ syntax: '<job>', description: 'its id' }],
  options: [{ flags: '--failed', description: 'only those that failed' }],
  talksTo: 'server',
  details: `At most ${MAX_RESULTS}, in the order in which the devices were found.`,
  examples: [
    ['job results update-1', 'what became of each device'],
    ['job results update-1 --failed', 'which failed, and why'],
  ],

  async run(input, context) {
    const jobId = input.argument(0)
    const failed = input.isSet('failed') ? " AND devices.jobs.status = 'failed'" : ''
    const id = jobId.replaceAll("'", "\\'")
    const query = `SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${id}'${failed}`
    const { out } = context
    const { records, hasMore } = await readRecords(apiOf(input, context), query)
    if (out.isJson) return out.json(records)
    if (records.length === 0) return out.note('No results.')
    out.table(
      ['DEVICE', 'STATUS', 'END', 'ANSWER OR ERROR'],
      records.map(({ deviceId, moduleId, status, endTimeUtc = '', outcome, error }) => {
        const answer = outcome?.deviceMethodResponse
        const said = answer ? `status ${answer.status}` : ''
        const why = error ? `${error.code}: ${error.description}` : said
        return [
          moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`,
          status,
          endTimeUtc,
          why,
        ]
      }),
    )
    if (hasMore) out.note(`These are the first ${records.length}; there are more.`)
  },
}

async function readRecords(api: Api, query: string) {
  const records: JobRecordView[] = []
  let continuation = ''
  do {
    const page = await api.query(query, PAGE_RESULTS, continuation)
    records.push(...(page.rows as unknown as readonly JobRecordView[]))
    continuation = page.continuation
  } while (continuation !== '' && records.length < MAX_RESULTS)
  return { records, hasMore: continuation !== '' }
}
