import assert from 'node:assert/strict'
import type { IConnectPacket } from 'mqtt-packet'
import { type Bench, pump } from './mqtt-bench.ts'
import { connectRaw, type RawClient } from './raw-mqtt.ts'

/** A device that is connected over MQTT 5. */
export async function connect5(
  b: Bench,
  changes: Partial<IConnectPacket> = {},
): Promise<RawClient> {
  const client = await connectRaw(b, pump, { protocolVersion: 5, ...changes })
  const [connack] = await client.receive('connack')
  assert.equal(connack?.reasonCode, 0)
  return client
}
