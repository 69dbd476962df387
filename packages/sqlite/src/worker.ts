import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { Connection, TooNewError } from './connection.ts'
import { type FromWorker, type OpenMessage, type ToWorker, transferList } from './messages.ts'

/** The thread that owns the file: opens it, then commits one group per message until `close`. */
const port = parentPort
if (!port) throw new Error('This module runs as a worker only.')

const connection = open(workerData as OpenMessage)
if (connection) {
  port.on('message', (message: ToWorker) => {
    if (message === 'close') {
      connection.close()
      port.close()
      return
    }
    try {
      const reply = connection.run(message)
      send(reply, transferList(reply.values))
    } catch (error) {
      send({ kind: 'failed', code: codeOf(error), message: String((error as Error).message) })
      // The thread ends, and with it the connection, without COMMIT: the group is undone.
      process.exit(1)
    }
  })
  send({ kind: 'open' })
}

function open(message: OpenMessage): Connection | undefined {
  try {
    return new Connection(message)
  } catch (error) {
    send({ kind: 'refused', reason: reasonOf(error), message: (error as Error).message })
    return undefined
  }
}

function reasonOf(error: unknown): 'in-use' | 'too-new' | 'other' {
  if (error instanceof TooNewError) return 'too-new'
  const code = codeOf(error)
  return code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED') ? 'in-use' : 'other'
}

function codeOf(error: unknown): string {
  return error instanceof Database.SqliteError ? error.code : (error as Error).name
}

function send(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port?.postMessage(message, transfer)
}
