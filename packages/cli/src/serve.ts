import type { RunningServer } from '@twinward/server'
import { CommandError, type Context } from './command.ts'

/** A server that does not stop within this time is ended. */
const STOP_DEADLINE_MS = 10_000

/**
 * Runs a server until somebody stops it.
 *
 * @param start  calls what it is given when a store is broken
 * @throws {CommandError} when it does not start, or fails
 */
export async function serve(
  start: (fail: (error: Error) => void) => Promise<RunningServer>,
  announce: (server: RunningServer) => void,
  { out }: Context,
): Promise<void> {
  const stop = stopSignals()
  let fail: (error: Error) => void = () => {}
  const failed = new Promise<Error>((resolve) => {
    fail = resolve
  })
  const server = await startOrSay(start, fail)
  announce(server)
  const failure = await Promise.race([stop.requested, failed])
  if (failure === undefined) {
    out.note('Stopping.')
    await closeInTime(server)
    return
  }
  // A store is broken: that it cannot be closed well either is no news.
  await closeInTime(server).catch(() => {})
  throw new CommandError(failure.message, { cause: failure })
}

async function startOrSay(
  start: (fail: (error: Error) => void) => Promise<RunningServer>,
  fail: (error: Error) => void,
): Promise<RunningServer> {
  const { StartError } = await import('@twinward/server')
  try {
    return await start(fail)
  } catch (error) {
    if (error instanceof StartError) throw new CommandError(error.message, { cause: error })
    throw error
  }
}

/** The first SIGINT or SIGTERM asks to stop, the second ends the process. */
function stopSignals(): { readonly requested: Promise<undefined> } {
  const requested = new Promise<undefined>((resolve) => {
    let count = 0
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        count++
        if (count > 1) process.exit(1)
        resolve(undefined)
      })
    }
  })
  return { requested }
}

async function closeInTime(server: RunningServer): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    const message = `The server did not stop within ${STOP_DEADLINE_MS / 1000} s and was ended.`
    timer = setTimeout(() => reject(new CommandError(message)), STOP_DEADLINE_MS)
  })
  try {
    await Promise.race([server.close(), deadline])
  } finally {
    clearTimeout(timer)
  }
}
