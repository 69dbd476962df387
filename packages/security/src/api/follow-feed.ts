import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { HubError } from '@twinward/protocol'
import type { Clock } from '../clock.ts'
import { FeedWatch } from '../findings/feed-watch.ts'
import { type FindingChange, subjectOf } from '../findings/finding-change.ts'
import type { FindingFeed } from '../findings/finding-feed.ts'
import { changeBody } from '../notifications/notification.ts'

/** Changes that are read from the feed at once. */
const PAGE_CHANGES = 50
/** After so long without an event a comment goes out, lest somebody between takes us for dead. */
export const HEARTBEAT_MS = 15_000
/** A client that takes nothing for so long is cut off; it can go on after its last id. */
export const DRAIN_DEADLINE_MS = 30_000
/** How long a client waits before it connects again. */
const RETRY_MS = 2_000

export interface Following {
  readonly feed: FindingFeed
  readonly clock: Clock
  readonly wanted: (change: FindingChange) => Promise<boolean>
  /** The client has what came until here. */
  readonly after: number
  readonly signal: AbortSignal
}

/**
 * Writes what is wanted of the feed as server-sent events, in order and without an end.
 *
 * @throws when the signal aborts, the client went away or took nothing for `DRAIN_DEADLINE_MS`
 */
export async function followFeed(raw: ServerResponse, following: Following): Promise<void> {
  const { feed, clock, wanted, signal } = following
  raw.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
    'x-accel-buffering': 'no',
  })
  await send(raw, `retry: ${RETRY_MS}\n: following\n\n`, following)
  const watch = new FeedWatch(feed, clock, signal)
  let sentMs = clock.now()
  const tell = async (text: string) => {
    await send(raw, text, following)
    sentMs = clock.now()
  }
  try {
    for (let after = following.after; !signal.aborted; ) {
      const changes = await feed.after(after, PAGE_CHANGES)
      const first = changes[0]?.sequence ?? after + 1
      if (first > after + 1) await tell(gapEvent(after, first))
      for (const change of changes) {
        if (await wanted(change)) await tell(eventText(change, clock.now()))
      }
      after = changes.at(-1)?.sequence ?? after
      const quietMs = clock.now() - sentMs
      // What this client does not want wakes it as well, so silence is measured from what it got.
      if (quietMs >= HEARTBEAT_MS) await tell(': alive\n\n')
      else if (changes.length === 0) await watch.wait(HEARTBEAT_MS - quietMs)
    }
  } finally {
    watch.close()
  }
}

/** Waits for a client that is slower than the feed, but not for ever. */
async function send(raw: ServerResponse, text: string, { clock, signal }: Following) {
  signal.throwIfAborted()
  if (raw.write(text)) return
  const over = new AbortController()
  const stop = () => over.abort()
  signal.addEventListener('abort', stop, { once: true })
  const late = clock.sleep(DRAIN_DEADLINE_MS, over.signal).then(() => {
    throw new HubError('GenericTimeout', 'The client takes nothing.')
  })
  try {
    await Promise.race([once(raw, 'drain', { signal: over.signal }), late])
  } finally {
    signal.removeEventListener('abort', stop)
    over.abort()
  }
}

function eventText(change: FindingChange, nowMs: number): string {
  const { kind } = subjectOf(change)
  const body = changeBody(change, { id: String(change.sequence), timeMs: nowMs, baseUrl: '' })
  return `id: ${change.sequence}\nevent: ${kind}\ndata: ${JSON.stringify(body)}\n\n`
}

/** The feed no longer has what came after the client's last id. */
function gapEvent(after: number, first: number): string {
  const gap = { missed: first - after - 1 }
  return `id: ${first - 1}\nevent: gap\ndata: ${JSON.stringify(gap)}\n\n`
}
