import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import mqttPacket from 'mqtt-packet'
import type { Connection } from './connection.ts'
import { DesiredSlot } from './desired-slot.ts'
import { Histogram } from './histogram.ts'

const ok = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}')

test('a change is done when the device was told its value and the service got 200', () => {
  const { slot, tally, tell, answer } = open()
  slot.send()
  tell(100_000_001)
  assert.equal(tally.done, 0)
  assert.equal(tally.latency.total, 1)
  answer(ok)
  assert.equal(tally.done, 1)
  assert.equal(slot.busy, false)
})

test('a notice of another value does not count', () => {
  const { slot, tally, tell, answer } = open()
  slot.send()
  answer(ok)
  tell(100_000_000)
  assert.equal(tally.done, 0)
  assert.equal(slot.busy, true)
})

test('notice and answer may arrive in pieces', () => {
  const { slot, tally, device, call } = open()
  slot.send()
  for (const byte of ok) call.receive(Buffer.from([byte]), 1)
  for (const byte of notice(100_000_001)) device.receive(Buffer.from([byte]), 1)
  assert.equal(tally.done, 1)
})

test('a refused call ends the run', () => {
  const { slot, answer } = open()
  slot.send()
  assert.throws(() => answer(Buffer.from('HTTP/1.1 429 Too Many\r\n\r\n')), /429/)
})

test('each request is whole HTTP with the next value, as long as it says', () => {
  const { slot, tally, writes, tell, answer } = open()
  tally.sending = true
  slot.send()
  tell(100_000_001)
  answer(ok)
  const bodies = writes.map((text) => {
    const [head = '', body = ''] = text.split('\r\n\r\n')
    assert.match(head, /^PATCH \/twins\/bench-00001\?api-version=\S+ HTTP\/1\.1\r\n/)
    assert.match(head, new RegExp(`Content-Length: ${body.length}$`, 'm'))
    return JSON.parse(body)
  })
  assert.deepEqual(bodies, [
    { properties: { desired: { setpoint: 100_000_001 } } },
    { properties: { desired: { setpoint: 100_000_002 } } },
  ])
})

function open() {
  const writes: string[] = []
  const socket = { write: (bytes: Buffer) => writes.push(bytes.toString()) }
  const device: Connection = { socket: socket as unknown as TLSSocket, receive: () => {} }
  const call: Connection = { socket: socket as unknown as TLSSocket, receive: () => {} }
  const tally = { done: 0, sending: false, latency: new Histogram() }
  const names = { deviceId: 'bench-00001', host: 'localhost', authorization: 'x' }
  const slot = new DesiredSlot({ device, call, ...names, tally })
  const tell = (value: number) => device.receive(notice(value), notice(value).length)
  const answer = (bytes: Buffer) => call.receive(bytes, bytes.length)
  return { slot, tally, writes, device, call, tell, answer }
}

function notice(setpoint: number): Buffer {
  const topic = '$iothub/twin/PATCH/properties/desired/?$version=7'
  const payload = JSON.stringify({ setpoint, $version: 7 })
  const fields = { payload, qos: 0, dup: false, retain: false } as const
  return mqttPacket.generate({ cmd: 'publish', topic, ...fields })
}
