import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { TELEMETRY_PARTITIONS } from '../../../hub/src/messages/partition.ts'
import {
  attachReceiver,
  attachSender,
  type Connection,
  rhea,
  type Session,
  send,
} from '../../../hub/test/amqp-hub.ts'
import type { ReadyInfo } from '../../src/data-dir.ts'
import { type CallApi, identityToken } from '../server.ts'

/** Messages a device has under way at once. */
const IN_FLIGHT = 4
const CREDIT = 500

/** Where it is, and how to log in. */
interface Place {
  readonly ready: ReadyInfo
  readonly call: CallApi
}

/** Sends messages as a device until the connection breaks. @param accepted  gets the id of each */
export async function sendTelemetry(
  deviceId: string,
  { ready, call }: Place,
  accepted: (id: string) => void,
): Promise<Connection> {
  const { body } = await call('GET', `/devices/${deviceId}`)
  const password = identityToken(`localhost/devices/${deviceId}`, body)
  const connection = connect(ready, { username: `${deviceId}@sas.localhost`, password })
  const sender = await attachSender(open(connection), `/devices/${deviceId}/messages/events`)
  const sendNext = async () => {
    while (connection.is_open()) {
      const id = randomUUID()
      const outcome = await send(sender, { body: rhea.message.data_section(Buffer.from(id)) })
      if (outcome === 'accepted') accepted(id)
    }
  }
  for (let index = 0; index < IN_FLIGHT; index++) void sendNext()
  return connection
}

/** Reads what all devices sent, as a back end does, until `isDone`. */
export async function readTelemetry(
  ready: ReadyInfo,
  { name, key }: { readonly name: string; readonly key: string },
  { read, isDone }: { read(id: string): void; isDone(): boolean },
): Promise<void> {
  const connection = connect(ready, { username: name, password: key })
  const session = open(connection)
  const partitions = Array.from({ length: TELEMETRY_PARTITIONS }, (_, partition) => partition)
  await new Promise<void>((resolve, reject) => {
    connection.once('disconnected', () => reject(new Error('the reader was disconnected')))
    for (const partition of partitions) {
      const address = `messages/events/ConsumerGroups/$Default/Partitions/${partition}`
      attachReceiver(session, address, { credit_window: CREDIT, autoaccept: true })
        .then((receiver) => {
          receiver.on('message', ({ message }) => {
            read(String(message?.body.content))
            if (isDone()) resolve()
          })
        })
        .catch(reject)
    }
  })
  connection.close()
}

function connect(ready: ReadyInfo, login: { username: string; password: string }): Connection {
  const connection = rhea.create_container().connect({
    ...{ transport: 'tls', host: '127.0.0.1', port: ready.amqpPort, reconnect: false },
    ca: readFileSync(ready.caFile),
    ...login,
  } as never)
  for (const event of ['error', 'disconnected', 'connection_error', 'connection_close']) {
    connection.on(event as 'disconnected', () => {})
  }
  return connection
}

function open(connection: Connection): Session {
  const session = connection.create_session()
  session.begin()
  return session
}
