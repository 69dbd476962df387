import assert from 'node:assert/strict'
import type { DeviceRef } from '@twinward/protocol'
import { MqttGateway, type MqttGatewayOptions } from '../src/gateways/mqtt/server.ts'
import { TestClock } from './clock.ts'
import { makeHub, type TestHub, type TestHubOptions } from './hub.ts'
import type { RawClient } from './raw-mqtt.ts'

/** The identities and topics that the tests of the MQTT gateway speak of. */
export const pump: DeviceRef = { deviceId: 'pump-1' }
export const agent: DeviceRef = { deviceId: 'pump-1', moduleId: 'agent' }
export const EVENTS = 'devices/pump-1/messages/events/'
export const REPORTED = '$iothub/twin/PATCH/properties/reported/'

/** A line of the log about a connection that ended. */
export interface Ended {
  readonly reason: string
  readonly ref?: string
  readonly cause?: unknown
}

/** A gateway without a network, on a clock that the test moves. */
export interface Bench extends AsyncDisposable {
  readonly hub: TestHub
  readonly gateway: MqttGateway
  readonly clock: TestClock
  /** What the log says about connections that ended. */
  readonly ended: Ended[]
}

export function bench(options: TestHubOptions & MqttGatewayOptions = {}): Bench {
  const clock = new TestClock()
  const ended: Ended[] = []
  const log = {
    debug() {},
    info: (fields: object) => void ended.push(fields as Ended),
    warn() {},
    error: (fields: object) => assert.fail(String((fields as { err?: unknown }).err)),
  }
  const hub = makeHub({ clock, log, ...options })
  const gateway = new MqttGateway(hub, options)
  return { hub, gateway, clock, ended, [Symbol.asyncDispose]: () => gateway.close() }
}

/** The connection is alive and has answered all that was sent before. */
export async function settled(client: RawClient): Promise<void> {
  const pings = client.packets.filter(({ cmd }) => cmd === 'pingresp').length
  client.send({ cmd: 'pingreq' })
  await client.receive('pingresp', pings + 1)
}

/** A close would have arrived by now; asks without sending a packet, which would count as life. */
export async function stillOpen(client: RawClient): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
  assert.equal(client.isClosed, false)
}
