import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryEventLog } from '../../src/adapters/memory/event-log.ts'
import {
  LINK_CREDIT,
  MAX_IN_FLIGHT_BYTES,
  MAX_PENDING_WRITE_BYTES,
} from '../../src/gateways/amqp/limits.ts'
import { encodeMessage } from '../../src/gateways/amqp/wire/message.ts'
import { CODE } from '../../src/gateways/amqp/wire/performatives.ts'
import { AmqpMap, symbol, uint } from '../../src/gateways/amqp/wire/values.ts'
import { deviceToken } from '../amqp-hub.ts'
import { until } from '../hub.ts'
import { type AmqpBench, amqpBench, type RawPeer } from '../raw-amqp.ts'

const PUMP = { deviceId: 'pump-1' }

/** A store that is slow until it is let go. */
class HeldEventLog extends MemoryEventLog {
  waiting: (() => void)[] = []
  isHeld = true

  override async append(...args: Parameters<MemoryEventLog['append']>): Promise<number> {
    if (this.isHeld) await new Promise<void>((resolve) => this.waiting.push(resolve))
    return super.append(...args)
  }

  letGo(): void {
    this.isHeld = false
    for (const resolve of this.waiting.splice(0)) resolve()
  }
}

async function connectPump(b: AmqpBench): Promise<RawPeer> {
  const peer = b.connect().open()
  peer.attach(0, '$cbs').attach(1, '$cbs', true)
  peer.send(CODE.flow, [uint(0), uint(2048), uint(0), uint(9), uint(1), uint(0), uint(9)])
  const request = encodeMessage({
    properties: { messageId: 'id' },
    application: new AmqpMap([
      ['operation', 'put-token'],
      ['type', 'servicebus.windows.net:sastoken'],
      ['name', 'localhost/devices/pump-1'],
    ]),
    value: await deviceToken(b.hub, PUMP),
  })
  peer.transfer([uint(0), uint(0), Buffer.from('t'), uint(0), true], request)
  await peer.got(CODE.transfer)
  return peer
}

function sendData(peer: RawPeer, id: number, body: Buffer): void {
  const fields = [uint(4), uint(id), Buffer.from('t'), uint(0), false]
  peer.transfer(fields, encodeMessage({ body }))
}

test('limits: a message is accepted once the store has it, and credit comes back only then', async () => {
  const eventLog = new HeldEventLog()
  await using b = amqpBench({ eventLog })
  const peer = await connectPump(b)
  peer.attach(4, '/devices/pump-1/messages/events')
  const granted = await peer.got(CODE.flow, 1)
  assert.equal(granted.uint(6), LINK_CREDIT)
  for (let n = 0; n < LINK_CREDIT; n++) sendData(peer, n + 1, Buffer.from('x'))
  await until(() => eventLog.waiting.length === LINK_CREDIT)
  peer.raw(Buffer.alloc(0)).begin(9)
  await peer.got(CODE.begin, 1)
  const count = (code: number) => peer.received.filter((one) => one.code === code).length
  assert.deepEqual([count(CODE.disposition), count(CODE.flow)], [0, 2])
  eventLog.letGo()
  await until(() => count(CODE.disposition) === LINK_CREDIT)
  await until(() => count(CODE.flow) > 2)
})

test('limits: behind a slow store a connection is read no further than its budget', async () => {
  const eventLog = new HeldEventLog()
  await using b = amqpBench({ eventLog })
  const peer = await connectPump(b)
  peer.attach(4, '/devices/pump-1/messages/events')
  await peer.got(CODE.flow, 1)
  const body = Buffer.alloc(60_000)
  for (let n = 0; n < LINK_CREDIT; n++) sendData(peer, n + 1, body)
  const most = Math.ceil(MAX_IN_FLIGHT_BYTES / body.length)
  await until(() => eventLog.waiting.length >= most - 1)
  await until(() => peer.stream.writableLength > 0)
  assert.ok(eventLog.waiting.length <= most + 1, `${eventLog.waiting.length} are under way`)
  eventLog.letGo()
  await until(
    () => peer.received.filter(({ code }) => code === CODE.disposition).length === LINK_CREDIT,
  )
})

test('limits: a peer that reads nothing is cut off; its neighbour notices nothing', async () => {
  await using b = amqpBench()
  const peer = await connectPump(b)
  const large = Object.fromEntries(Array.from({ length: 7 }, (_, n) => [`k${n}`, 'x'.repeat(4000)]))
  await b.hub.twins.patch(PUMP, { desired: large })
  peer.attach(4, '/devices/pump-1/twin').attach(5, '/devices/pump-1/twin', true)
  // Credit without end, and a window that never opens again.
  peer.send(CODE.flow, [uint(0), uint(1), uint(0), uint(9), uint(5), uint(0), uint(1 << 20)])
  const get = encodeMessage({
    annotations: new AmqpMap([[symbol('operation'), 'GET']]),
    body: Buffer.alloc(0),
  })
  const requests = Math.ceil((2 * MAX_PENDING_WRITE_BYTES) / 28_000)
  for (let n = 0; n < requests && !peer.isClosed; n++) {
    peer.transfer([uint(4), uint(n + 1), Buffer.from('t'), uint(0), true], get)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await peer.closed()
  await until(() => b.gateway.connectionCount === 0)
  const next = await connectPump(b)
  assert.equal(b.hub.sessions.isConnected(PUMP), true)
  next.stream.destroy()
})
