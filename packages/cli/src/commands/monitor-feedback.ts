import { setTimeout } from 'node:timers/promises'
import type { Api } from '../api-client.ts'
import { apiOf, type Command, type Context } from '../command.ts'
import { formatTime, type Output, printable } from '../output.ts'
import { stopSignal } from '../stop-signal.ts'

const PATH = '/messages/serviceBound/feedback'
const POLL_MS = 1000
const MAX_COUNT = 999_999_999
/** The longest there is: DeliveryCountExceeded. */
const STATUS_WIDTH = 21

/** A record as IoT Hub shows it. */
interface FeedbackRecord {
  readonly originalMessageId: string
  readonly enqueuedTimeUtc: string
  readonly statusCode: string
  readonly deviceId: string
  readonly moduleId?: string
}

export const monitorFeedback: Command = {
  options: [
    {
      flags: '--count <n>',
      description: 'end once so many were printed; a batch is printed whole',
      defaultText: 'until Ctrl-C',
      integer: { min: 1, max: MAX_COUNT },
    },
  ],
  talksTo: 'server',
  details:
    'Feedback is what became of cloud-to-device messages that asked for it with --ack. Each is given\n' +
    'out once: what is printed here, other services do not get. It is taken from the server after it\n' +
    'was printed; what could not be printed comes again within a minute.',
  examples: [
    ['monitor feedback', 'print feedback as it comes, until Ctrl-C'],
    ['monitor feedback --json --count 1', 'wait for one, as an object on one line'],
  ],

  async run(input, context) {
    const api = apiOf(input, context)
    const stop = stopSignal()
    let missing = input.integer('count') ?? Number.POSITIVE_INFINITY
    if (!context.out.isJson) context.out.note('Waiting for feedback; Ctrl-C ends.')
    while (missing > 0 && !stop.aborted) {
      const count = await printBatch(api, context)
      missing -= count
      // Nobody is told over HTTPS, so it is asked for.
      if (count === 0) await setTimeout(POLL_MS, undefined, { signal: stop }).catch(() => {})
    }
  },
}

/** Prints what there is, then takes it from the server. @returns how many records */
async function printBatch(api: Api, { out }: Context): Promise<number> {
  const { value, etag: lock } = await api.getWithEtag<readonly FeedbackRecord[]>(PATH)
  if (!value) return 0
  try {
    for (const record of value) await printRecord(out, record)
  } catch (error) {
    // What is not given back comes again when its lock ends.
    await api.post(`${PATH}/${lock}/abandon`, undefined).catch(() => {})
    throw error
  }
  await api.delete(`${PATH}/${lock}`)
  return value.length
}

function printRecord(out: Output, record: FeedbackRecord): Promise<void> {
  if (out.isJson) return out.deliver(JSON.stringify(record))
  const { enqueuedTimeUtc, statusCode, deviceId, moduleId, originalMessageId } = record
  const identity = moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`
  const texts = [statusCode.padEnd(STATUS_WIDTH), identity, originalMessageId].map(printable)
  return out.deliver([formatTime(enqueuedTimeUtc), ...texts].join('  '))
}
