import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { sampleDelivery } from '../../../test/deliveries.ts'
import { until } from '../../../test/until.ts'
import { NatsTransport } from './nats.ts'

const SERVER = process.env.TWINWARD_TEST_NATS ?? '127.0.0.1:4222'

const nats = await connect({ servers: SERVER, timeout: 1_000 }).catch(() => undefined)
const skip = nats === undefined && `no NATS server at ${SERVER} (TWINWARD_TEST_NATS)`
const root = `twinward-test-${randomUUID()}`
const settings = {
  servers: [SERVER],
  subject: `${root}.{kind}.{severity}.{type}`,
  jetStream: false,
}

let connection: NatsConnection
before(() => {
  if (nats) connection = nats
})
after(() => nats?.close())

test('NATS: a finding is published on the subject of its kind, severity and type', {
  skip,
}, async () => {
  const received: { subject: string; body: { alert: { id: string } }; id: string | undefined }[] =
    []
  const subscription = connection.subscribe(`${root}.>`, {
    callback: (_, message) => {
      const id = message.headers?.get('Nats-Msg-Id')
      received.push({ subject: message.subject, body: message.json(), id })
    },
  })
  await connection.flush()
  const transport = new NatsTransport(settings)
  const deliveries = [sampleDelivery({ alertType: 'IoT.*>' }), sampleDelivery({ id: 'b' })]
  assert.deepEqual(await transport.send(deliveries), [undefined, undefined])
  await until(() => received.length === 2)
  assert.equal(received[0]?.subject, `${root}.alert-opened.High.IoT___`)
  assert.equal(received[1]?.body.alert.id, 'b')
  assert.equal(received[1]?.id, deliveries[1]?.id)
  subscription.unsubscribe()
  await transport.close()
})

test('NATS: with JetStream a message that no stream stores is a failure, one that is stored twice is one', {
  skip,
}, async () => {
  const transport = new NatsTransport({
    ...settings,
    subject: `${root}-js.{kind}`,
    jetStream: true,
  })
  const [failure] = await transport.send([sampleDelivery()])
  assert.match(failure?.reason ?? '', /no stream takes the subject/)
  const manager = await jetstreamManager(connection)
  await manager.streams.add({ name: root, subjects: [`${root}-js.>`] })
  try {
    assert.deepEqual(await transport.send([sampleDelivery()]), [undefined])
    assert.deepEqual(await transport.send([sampleDelivery()]), [undefined])
    const { state } = await manager.streams.info(root)
    assert.equal(state.messages, 1)
  } finally {
    await manager.streams.delete(root)
    await transport.close()
  }
})

test('NATS: a server that is not there is a failure that says so', async () => {
  const transport = new NatsTransport({ ...settings, servers: ['127.0.0.1:9'] })
  const [failure] = await transport.send([sampleDelivery()])
  assert.match(failure?.reason ?? '', /refused/i)
})
