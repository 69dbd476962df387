import type { Query } from '../api-client.ts'
import { apiOf, type Command, type Context } from '../command.ts'
import { formatTime, printable } from '../output.ts'
import { readServerEvents, type ServerEvent } from '../server-events.ts'
import { stopSignal } from '../stop-signal.ts'

const STREAM = '/api/security/stream'
/** Before a connection that broke is made again. */
const RECONNECT_PAUSE_MS = 2_000
const MAX_COUNT = 999_999_999

interface FindingEvent {
  readonly timeUtc: string
  readonly alert?: FindingView & { readonly alertType: string; readonly status: string }
  readonly recommendation?: FindingView & {
    readonly recommendationType: string
    readonly state: string
  }
}

interface FindingView {
  readonly deviceId: string
  readonly severity: string
  readonly displayName: string
}

export const securityWatch: Command = {
  options: [
    {
      flags: '--severity <severity>',
      description: 'at least so bad',
      choices: ['Informational', 'Low', 'Medium', 'High'],
    },
    { flags: '--type <pattern>', description: 'of alerts and recommendations' },
    { flags: '--device <pattern>', description: 'of these devices' },
    { flags: '--group <name>', description: 'of this security group' },
    { flags: '--after <id>', description: 'begin after this change', defaultText: 'the newest' },
    {
      flags: '--count <n>',
      description: 'end once so many were printed',
      defaultText: 'until Ctrl-C',
      integer: { min: 1, max: MAX_COUNT },
    },
  ],
  talksTo: 'server',
  details:
    'A connection that breaks is made again and goes on where it was. With --json each change is an\n' +
    'object on a line of its own, as webhooks get it.',
  examples: [
    ['security watch --severity High', 'what cannot wait, as it comes'],
    ['security watch --after 0 --json', 'everything that is kept, then what comes'],
  ],

  async run(input, context) {
    const [severity, type, device, group] = ['severity', 'type', 'device', 'group'].map((name) =>
      input.text(name),
    )
    const query = { severity, type, device, group }
    const progress = { after: input.text('after'), missing: input.integer('count') ?? Infinity }
    const stop = stopSignal()
    const stopped = new Promise<void>((resolve) => {
      stop.addEventListener('abort', () => resolve(), { once: true })
    })
    if (!context.out.isJson) context.out.note('Waiting for findings; Ctrl-C ends.')
    const open = (all: Query) => apiOf(input, context).download(STREAM, all)
    await Promise.race([stopped, watch(open, query, progress, context)])
  },
}

interface Progress {
  after: string | undefined
  missing: number
}

async function watch(
  open: (query: Query) => Promise<AsyncIterable<Uint8Array>>,
  query: Query,
  progress: Progress,
  context: Context,
): Promise<void> {
  // Whoever cannot be reached at all is a mistake of the command line; later it may come back.
  let stream = await open({ ...query, lastEventId: progress.after })
  for (;;) {
    if (await follow(stream, progress, context)) return
    context.out.note('The connection broke; trying again.')
    stream = await reopen(() => open({ ...query, lastEventId: progress.after }))
  }
}

async function reopen(open: () => Promise<AsyncIterable<Uint8Array>>) {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, RECONNECT_PAUSE_MS))
    try {
      return await open()
    } catch {
      // It is said once that the connection broke; it is tried until Ctrl-C.
    }
  }
}

/** @returns whether enough was printed; `false` when the connection ended */
async function follow(
  stream: AsyncIterable<Uint8Array>,
  progress: Progress,
  { out }: Context,
): Promise<boolean> {
  try {
    for await (const event of readServerEvents(stream)) {
      progress.after = event.id === '' ? progress.after : event.id
      if (event.name === 'gap') {
        out.note(`Changes are missing that the server no longer has: ${printable(event.data)}`)
        continue
      }
      await out.deliver(out.isJson ? event.data : lineOf(event))
      if (--progress.missing <= 0) return true
    }
  } catch {
    // The same as an end.
  }
  return false
}

function lineOf({ name, data }: ServerEvent): string {
  const { timeUtc, alert, recommendation } = JSON.parse(data) as FindingEvent
  const finding = alert ?? recommendation
  const type = alert?.alertType ?? recommendation?.recommendationType ?? ''
  const parts = [
    formatTime(timeUtc),
    finding?.severity ?? '',
    name,
    finding?.deviceId ?? '',
    type,
    alert?.status ?? recommendation?.state ?? '',
    finding?.displayName ?? '',
  ]
  return parts.map(printable).join('  ')
}
