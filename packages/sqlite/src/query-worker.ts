import { parentPort, workerData } from 'node:worker_threads'
import type { FromQueryWorker, OpenQueriesMessage, QueryMessage } from './messages.ts'
import { QueryConnection, type QueryFunctions } from './query-connection.ts'

/** The thread that answers queries, one after another, until `close`. */
const port = parentPort
if (!port) throw new Error('This module runs as a worker only.')

const { file, functions } = workerData as OpenQueriesMessage
const module = (await import(functions)) as { readonly queryFunctions: QueryFunctions }
const connection = new QueryConnection(file, module.queryFunctions)

port.on('message', (message: QueryMessage | 'close') => {
  if (message === 'close') {
    connection.close()
    port.close()
    return
  }
  send(answer(message))
})

function answer(message: QueryMessage): FromQueryWorker {
  try {
    return { kind: 'rows', rows: connection.run(message) }
  } catch (error) {
    return { kind: 'failed', message: String((error as Error).message) }
  }
}

function send(message: FromQueryWorker): void {
  port?.postMessage(message)
}
