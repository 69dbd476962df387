import { randomUUID } from 'node:crypto'
import { encodePublish } from './packets.ts'

/** Events of one message. */
export const EVENTS_PER_MESSAGE = 20
const MODULE = 'azureiotsecurity'
const INTERFACE = '%24.ifid=urn%3Aazureiot%3ASecurity%3ASecurityAgent%3A1'
/** The last twelve digits of an event's id, which count up. */
const COUNTER_DIGITS = 12

/** Half processes, half connections, as a busy legacy agent sends them. */
export function sampleEvents(): readonly object[] {
  const now = new Date().toISOString()
  return Array.from({ length: EVENTS_PER_MESSAGE }, (_, index) => ({
    Id: `${randomUUID().slice(0, 24)}${'0'.repeat(COUNTER_DIGITS)}`,
    ...{ EventType: 'Security', Category: 'Triggered', PayloadSchemaVersion: '1.0' },
    ...{ TimestampLocal: now, TimestampUTC: now, IsEmpty: false },
    ...(index % 2 === 0
      ? { Name: 'ProcessCreate', Payload: [processCreated(index)] }
      : { Name: 'ConnectionCreate', Payload: [connection(index)] }),
  }))
}

function processCreated(index: number): object {
  const ids = { ProcessId: 6_000 + index, ParentProcessId: 1, UserId: '1000', UserName: 'ops' }
  const CommandLine = `ls -la /var/log/app-${index}`
  return { Executable: '/bin/ls', ...ids, CommandLine, ExtraDetails: {} }
}

function connection(index: number): object {
  return {
    ...{ Executable: '/usr/bin/curl', ProcessId: 7_000 + index, UserId: '1000' },
    ...{ CommandLine: `curl http://10.0.0.${index}/x`, Direction: 'Out', Protocol: 'tcp' },
    ...{ RemoteAddress: `10.0.0.${index}`, RemotePort: '80', LocalAddress: '10.0.0.5' },
    ...{ LocalPort: String(40_000 + index), ExtraDetails: {} },
  }
}

export function messageOf(events: readonly object[]): string {
  const AgentId = 'e8a3d9c1-6b54-4a0f-9a53-0c1c3e1f77aa'
  const envelope = { AgentVersion: '0.0.6', AgentId, MessageSchemaVersion: '1.0' }
  return JSON.stringify({ ...envelope, Events: events })
}

/** Packets of one device that differ in nothing but their events' ids. */
export class MessageTemplate {
  readonly #packet: Buffer
  readonly #places: readonly number[]
  #count = 0

  constructor(deviceId: string) {
    const topic = `devices/${deviceId}/modules/${MODULE}/messages/events/${INTERFACE}`
    const body = messageOf(sampleEvents())
    this.#packet = encodePublish({ topic, packetId: 1, body })
    const bodyAt = this.#packet.length - Buffer.byteLength(body)
    this.#places = Array.from(body.matchAll(/"Id":"/g), ({ index }) => bodyAt + index + 6 + 24)
  }

  /** A packet with ids that no other has. */
  next(): Buffer {
    const packet = Buffer.from(this.#packet)
    const digits = String(++this.#count).padStart(COUNTER_DIGITS, '0')
    for (const place of this.#places) packet.write(digits, place, 'latin1')
    return packet
  }
}
