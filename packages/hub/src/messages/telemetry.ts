import { createHash } from 'node:crypto'
import {
  type DeviceMessage,
  HubError,
  isSecurityMessage,
  MAX_MESSAGE_BYTES,
} from '@twinward/protocol'
import type { EventBus } from '../bus.ts'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Credential } from '../registry/authenticator.ts'
import type { EventLog, LogAppend } from './event-log.ts'

/** Partitions of the telemetry stream: IoT Hub's default. Security messages have one. */
export const TELEMETRY_PARTITIONS = 4
/** How long telemetry waits for a reader: IoT Hub's default of one day. */
export const TELEMETRY_RETENTION_MS = 24 * 3600_000
const EXPIRY_INTERVAL_MS = 5 * 60_000

/** Device-to-cloud messages: stamps them and puts them into the log. */
export class Telemetry {
  readonly #eventLog: EventLog
  readonly #bus: EventBus
  readonly #clock: Clock
  readonly #log: Log

  constructor(eventLog: EventLog, bus: EventBus, clock: Clock, log: Log) {
    this.#eventLog = eventLog
    this.#bus = bus
    this.#clock = clock
    this.#log = log
  }

  /**
   * Resolves when the message is durable. Security messages go to a stream of their own.
   *
   * @throws {HubError} `MessageTooLarge` (body and properties over 256 KiB)
   */
  async accept(message: DeviceMessage, credential: Credential): Promise<void> {
    if (messageBytes(message) > MAX_MESSAGE_BYTES) {
      throw new HubError('MessageTooLarge', `A message may take ${MAX_MESSAGE_BYTES} bytes.`)
    }
    const { stream, partition, message: stamped } = this.#stamp(message, credential)
    await this.#eventLog.append(stream, partition, stamped)
    this.#bus.publish({ kind: 'messages-stored', stream })
  }

  /**
   * As `accept` for several messages: all are stored or none.
   *
   * @throws {HubError} `MessageTooLarge` (all of them together over 256 KiB)
   */
  async acceptBatch(messages: readonly DeviceMessage[], credential: Credential): Promise<void> {
    const bytes = messages.reduce((sum, message) => sum + messageBytes(message), 0)
    if (bytes > MAX_MESSAGE_BYTES) {
      throw new HubError('MessageTooLarge', `A batch may take ${MAX_MESSAGE_BYTES} bytes.`)
    }
    const appends = messages.map((message) => this.#stamp(message, credential))
    await this.#eventLog.appendAll(appends)
    for (const stream of new Set(appends.map((append) => append.stream))) {
      this.#bus.publish({ kind: 'messages-stored', stream })
    }
  }

  #stamp(message: DeviceMessage, { authMethod, generationId }: Credential): LogAppend {
    const stream = isSecurityMessage(message) ? 'security' : 'telemetry'
    return {
      stream,
      partition: stream === 'security' ? 0 : partitionOf(message.ref.deviceId),
      message: { ...message, enqueuedTimeMs: this.#clock.now(), authMethod, generationId },
    }
  }

  /** Forgets telemetry after its retention, until the returned function is called. */
  expireRegularly(): () => void {
    return this.#clock.every(EXPIRY_INTERVAL_MS, () => {
      this.#eventLog
        .expire('telemetry', this.#clock.now() - TELEMETRY_RETENTION_MS)
        .catch((error) => {
          this.#log.error({ err: error }, 'telemetry could not be expired')
        })
    })
  }
}

/** All messages of a device land in one partition, in order. */
export function partitionOf(deviceId: string): number {
  return createHash('sha256').update(deviceId).digest().readUInt32BE(0) % TELEMETRY_PARTITIONS
}

/** Body, values of system properties, names and values of application properties (10 §1). */
function messageBytes({ system, application, body }: DeviceMessage): number {
  let bytes = body.byteLength
  for (const value of Object.values(system)) bytes += Buffer.byteLength(value)
  for (const [name, value] of Object.entries(application)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value ?? '')
  }
  return bytes
}
